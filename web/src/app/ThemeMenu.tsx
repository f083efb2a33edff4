import { Check, Monitor, Moon, Sun } from 'lucide-react'
import { Menu } from '@/parts/Menu'
import { setTheme, type Theme, usePreference } from './preferences'

const THEMES: { name: Theme; label: string; icon: typeof Sun }[] = [
  { name: 'system', label: 'Like the system', icon: Monitor },
  { name: 'light', label: 'Light', icon: Sun },
  { name: 'dark', label: 'Dark', icon: Moon },
]

export function ThemeMenu() {
  const [theme] = usePreference<Theme>('theme', 'system')
  const Icon = THEMES.find((found) => found.name === theme)?.icon ?? Monitor
  return (
    <Menu
      title="Theme"
      trigger={
        <button type="button" className="button quiet icon" aria-label={`Theme: ${theme}`}>
          <Icon size={17} aria-hidden="true" />
        </button>
      }
      entries={THEMES.map(({ name, label }) => ({
        label: (
          <>
            <Check size={15} aria-hidden="true" visibility={theme === name ? 'visible' : 'hidden'} />
            {label}
          </>
        ),
        onSelect: () => setTheme(name),
      }))}
    />
  )
}
