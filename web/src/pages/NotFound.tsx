import { Link } from 'react-router'
import { useTitle } from '@/app/title'
import { Empty } from '@/parts/Empty'

export function NotFound() {
  useTitle('No such page')
  return (
    <Empty title="There is no page at this address">
      <p>
        The address may be mistyped, or from another version. <Link to="/">Go to the overview</Link>
      </p>
    </Empty>
  )
}
