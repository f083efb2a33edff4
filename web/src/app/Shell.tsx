import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Keyboard, Menu as MenuIcon, MoveRight, Search } from 'lucide-react'
import { Suspense, useEffect, useRef, useState } from 'react'
import { Link, NavLink, Outlet, useLocation } from 'react-router'
import { JobActs } from '@/acts/JobActs'
import { call } from '@/api/client'
import { live } from '@/api/live'
import type { Badges } from '@/api/types'
import { useSnoozed } from '@/pages/waiting/snooze'
import { Bones } from '@/parts/Loading'
import { Tip } from '@/parts/Tip'
import { limitsText } from '@/words/limits'
import { capped } from '@/words/numbers'
import { FaultBoundary } from './FaultBoundary'
import { usePageKeys } from './keys'
import { LiveSign } from './LiveSign'
import { useQuestionsTold } from './notify'
import { Palette } from './Palette'
import { ShortcutHelp } from './ShortcutHelp'
import { SignIn } from './SignIn'
import { signOut, useDoor, usePages, useSession } from './session'
import { ThemeMenu } from './ThemeMenu'
import { useTabTitle } from './title'
import { ZoneMenu } from './ZoneMenu'

/** The frame of every page: navigation, header, content. */
export function Shell() {
  const door = useDoor()
  if (door === 'unknown') return null
  return door === 'open' ? <Frame /> : <SignIn problem={door} />
}

function Frame() {
  const location = useLocation()
  const [open, setOpen] = useState<'palette' | 'help' | null>(null)
  const [menu, setMenu] = useState(false)
  const main = useRef<HTMLElement>(null)
  const queries = useQueryClient()
  const session = useSession()
  useEffect(() => {
    if (session) live.start(queries)
  }, [session, queries])
  usePageKeys({ palette: () => setOpen('palette'), help: () => setOpen('help') })
  // biome-ignore lint/correctness/useExhaustiveDependencies: the menu closes when another page is shown
  useEffect(() => setMenu(false), [location.pathname])
  return (
    <JobActs>
      <div className="shell">
        <a
          className="skip"
          href={location.pathname}
          onClick={(event) => {
            event.preventDefault()
            main.current?.focus()
          }}
        >
          Skip to content
        </a>
        <Navigation open={menu} />
        <div>
          <header className="header">
            <button
              type="button"
              className="button quiet icon menu-button"
              aria-label="Navigation"
              aria-expanded={menu}
              onClick={() => setMenu(!menu)}
            >
              <MenuIcon size={18} aria-hidden="true" />
            </button>
            <button type="button" className="search-button" title="Go to or do" onClick={() => setOpen('palette')}>
              <Search size={15} aria-hidden="true" />
              <span>Go to or do</span>
              <kbd>Ctrl K</kbd>
            </button>
            <div className="header-tools">
              <ReadOnlyBadge />
              <LiveSign />
              <ZoneMenu />
              <ThemeMenu />
              <Tip text="Keyboard shortcuts (?)">
                <button
                  type="button"
                  className="button quiet icon"
                  aria-label="Keyboard shortcuts"
                  onClick={() => setOpen('help')}
                >
                  <Keyboard size={17} aria-hidden="true" />
                </button>
              </Tip>
            </div>
          </header>
          <main ref={main} className="main" tabIndex={-1}>
            <FaultBoundary key={location.pathname}>
              <Suspense fallback={<Bones rows={8} />}>
                <Outlet />
              </Suspense>
            </FaultBoundary>
          </main>
        </div>
        {open === 'palette' && <Palette onClose={() => setOpen(null)} onHelp={() => setOpen('help')} />}
        {open === 'help' && <ShortcutHelp onClose={() => setOpen(null)} />}
      </div>
    </JobActs>
  )
}

function Navigation({ open }: { open: boolean }) {
  const session = useSession()
  const pages = usePages()
  const { data: badges } = useQuery({ queryKey: ['badges'], queryFn: () => call<Badges>('badges'), staleTime: 2_000 })
  const snoozed = Object.keys(useSnoozed()).length
  useTabTitle(Math.max(0, (badges?.inputs.value ?? 0) - snoozed))
  useQuestionsTold()
  const limited = session ? limitsText(session.limits) : ''
  const location = useLocation()
  const zone = new URLSearchParams(location.search).get('tz')
  const kept = zone ? `?tz=${encodeURIComponent(zone)}` : ''
  return (
    <nav className="nav" aria-label="Pages" data-open={open}>
      <Link className="nav-brand" to={`/${kept}`}>
        <MoveRight aria-hidden="true" />
        onward
      </Link>
      <div className="nav-list">
        {pages.map(({ path, label, icon: Icon, badge }) => {
          const counted = badge && badges?.[badge.name]
          return (
            <NavLink key={path} className="nav-link" to={`${path}${kept}`} end={path === '/'}>
              <Icon size={17} aria-hidden="true" />
              <span>{label}</span>
              {badge && counted && counted.value > 0 && (
                <span className="count" data-tone={badge.tone} title={`${capped(counted)} ${badge.meaning}`}>
                  {capped(counted)}
                  <span className="unseen"> {badge.meaning}</span>
                </span>
              )}
            </NavLink>
          )
        })}
      </div>
      {session && (
        <div className="nav-foot">
          <span>
            {session.user} · {session.role}
          </span>
          {limited && <span>Only {limited}</span>}
          {session.signed_in && (
            <button type="button" className="link-button" onClick={() => void signOut()}>
              Sign out
            </button>
          )}
          <span>
            onward {session.version}
            {session.database && ` · ${session.database.kind}`}
          </span>
        </div>
      )}
    </nav>
  )
}

function ReadOnlyBadge() {
  const session = useSession()
  const locked = session && (session.read_only || session.role === 'viewer')
  return locked ? (
    <Tip text={session.read_only ? 'These pages only show.' : 'Your role may look, not change.'}>
      <button type="button" className="badge" data-tone="grey">
        Read-only
      </button>
    </Tip>
  ) : null
}
