/** Cells of a file for tables (RFC 4180). */
import { writeJson } from '@/api/client'

/** Quoted where needed; what a spreadsheet would run as a formula is marked as text. */
export function csvCell(value: unknown): string {
  const text = value == null ? '' : typeof value === 'object' ? writeJson(value) : String(value)
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
