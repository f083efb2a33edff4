const grouped = new Intl.NumberFormat('en-GB')

export function count(value: number): string {
  return grouped.format(value)
}

/** Counts are cut at ten thousand and say so. */
export function capped(value: { value: number; exact: boolean } | null | undefined): string {
  if (!value) return ''
  return value.exact ? count(value.value) : `${count(value.value)}+`
}

/** Rounded down: 99.9 % is never 100 %. */
export function percent(value: number | null | undefined): string {
  return value == null ? '' : `${Math.floor(value)}%`
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let size = value
  let unit = -1
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024
    unit += 1
  }
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** The end of an id: ids are sorted by time, so their beginnings are alike. */
export function shortId(id: string): string {
  return id.slice(-6).toUpperCase()
}
