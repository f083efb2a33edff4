export function OperationPage() {
  return <h1>OperationPage</h1>
}
