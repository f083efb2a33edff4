/** Times and lengths as people read them. A zone is "local", "utc" or an IANA name. */

export type Zone = string

export function zoneName(zone: Zone): string {
  if (zone === 'local') return Intl.DateTimeFormat().resolvedOptions().timeZone
  return zone === 'utc' ? 'UTC' : zone
}

export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zoneName(zone) })
    return true
  } catch {
    return false
  }
}

const formats = new Map<string, Intl.DateTimeFormat>()

function format(zone: Zone, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone}${JSON.stringify(options)}`
  const known = formats.get(key)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-GB', { timeZone: zoneName(zone), ...options })
  formats.set(key, made)
  return made
}

function parts(at: Date, zone: Zone, options: Intl.DateTimeFormatOptions): Record<string, string> {
  return Object.fromEntries(
    format(zone, options)
      .formatToParts(at)
      .map((part) => [part.type, part.value]),
  )
}

/** "28 Nov 14:02:10 CET"; the year only when it is another one. */
export function absolute(iso: string, zone: Zone, now: Date = new Date(), seconds = true): string {
  const at = new Date(iso)
  const part = parts(at, zone, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  })
  const year = at.getUTCFullYear() === now.getUTCFullYear() ? '' : ` ${part.year}`
  const clock = seconds ? `${part.hour}:${part.minute}:${part.second}` : `${part.hour}:${part.minute}`
  return `${part.day} ${part.month}${year} ${clock} ${part.timeZoneName}`
}

/** "14:02 CET" today, "28 Nov 14:02 CET" on another day. */
export function clock(iso: string, zone: Zone, now: Date = new Date()): string {
  const day = (at: Date) => format(zone, { year: 'numeric', month: 'short', day: 'numeric' }).format(at)
  const at = new Date(iso)
  const text = absolute(iso, zone, now, false)
  return day(at) === day(now) ? text.split(' ').slice(-2).join(' ') : text
}

/** "just now", "12 min ago", "2 hrs ago" (to 48 h), "3 days ago". */
export function age(iso: string, now: number = Date.now()): string {
  return ageOf((now - Date.parse(iso)) / 1000)
}

export function ageOf(seconds: number): string {
  if (seconds < 0) return `in ${duration(-seconds)}`
  if (seconds < 60) return 'just now'
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ago`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return hours === 1 ? '1 hr ago' : `${hours} hrs ago`
  return `${Math.floor(hours / 24)} days ago`
}

/** "420 ms", "12 s", "3 min 5 s", "1 h 50 min", "3 d 4 h"; never below nothing. */
export function duration(seconds: number): string {
  const whole = Math.max(0, seconds)
  if (whole < 1) return whole === 0 ? '0 s' : `${Math.max(1, Math.round(whole * 1000))} ms`
  if (whole < 60) return `${Math.floor(whole)} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return two(minutes, 'min', Math.floor(whole % 60), 's')
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return two(hours, 'h', minutes % 60, 'min')
  return two(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function two(large: number, unit: string, small: number, smaller: string): string {
  return small ? `${large} ${unit} ${small} ${smaller}` : `${large} ${unit}`
}

/** "10 min": for what is only known about. */
export function about(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `${minutes} min` : duration(minutes * 60)
}

/** "8-12 min": the time that is left, as a range. */
export function etaRange(seconds: number): string {
  if (seconds < 60) return 'under 1 min'
  const low = Math.max(1, Math.floor((seconds * 0.8) / 60))
  const high = Math.max(low + 1, Math.ceil((seconds * 1.2) / 60))
  if (high <= 90) return `${low}-${high} min`
  const hours = (minutes: number) => (Math.round(minutes / 6) / 10).toString()
  return `${hours(low)}-${hours(high)} h`
}
