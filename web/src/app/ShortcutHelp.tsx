import { Dialog } from '@/parts/Dialog'
import { PAGES } from './navigation'
import { usePreference } from './preferences'

const KEYS: [string, string][] = [
  ['Ctrl K', 'Go to a page or job, or do something'],
  ['/', 'Filter'],
  ['j  k', 'Next row, previous row'],
  ['Enter', 'Open the row'],
  ['x', 'Select the row'],
  ['.', 'Menu of the row'],
  ['[  ]', 'Previous job, next job of the list'],
  ['l', 'Pause and go on'],
  ['z', 'Local, UTC or named zone'],
  ['t', 'Theme'],
  ['?', 'This help'],
  ['Esc', 'Close'],
]

export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const [on, setOn] = usePreference('shortcuts', true)
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose} wide>
      <div className="two-columns">
        <dl className="facts keys">
          {KEYS.map(([key, meaning]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
        <dl className="facts keys">
          {PAGES.map((page) => (
            <div key={page.path}>
              <dt>
                <kbd>g {page.key}</kbd>
              </dt>
              <dd>{page.label}</dd>
            </div>
          ))}
        </dl>
      </div>
      <label className="check-line">
        <input type="checkbox" checked={on} onChange={(event) => setOn(event.target.checked)} />
        <span>Shortcuts of one letter are on</span>
      </label>
    </Dialog>
  )
}
