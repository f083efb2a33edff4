export function Interrupted() {
  return <h1>Interrupted</h1>
}
