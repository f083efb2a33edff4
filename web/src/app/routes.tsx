import { lazy, Suspense } from 'react'
import type { RouteObject } from 'react-router'
import { NotFound } from '@/pages/NotFound'
import { Shell } from './Shell'

const page = (load: () => Promise<Record<string, React.ComponentType>>, name: string) => {
  const Page = lazy(async () => ({ default: (await load())[name] as React.ComponentType }))
  return <Page />
}

export const ROUTES: RouteObject[] = [
  { path: 'answer', element: <Suspense>{page(() => import('@/pages/answer/AnswerPage'), 'AnswerPage')}</Suspense> },
  {
    element: <Shell />,
    children: [
      { index: true, element: page(() => import('@/pages/overview/Overview'), 'Overview') },
      { path: 'jobs', element: page(() => import('@/pages/jobs/Jobs'), 'Jobs') },
      { path: 'jobs/:id', element: page(() => import('@/pages/job/JobPage'), 'JobPage') },
      { path: 'interrupted', element: page(() => import('@/pages/interrupted/Interrupted'), 'Interrupted') },
      { path: 'waiting', element: page(() => import('@/pages/waiting/Waiting'), 'Waiting') },
      { path: 'chains', element: page(() => import('@/pages/chains/Chains'), 'Chains') },
      { path: 'chains/:name', element: page(() => import('@/pages/chains/Builder'), 'Builder') },
      { path: 'schedules', element: page(() => import('@/pages/schedules/Schedules'), 'Schedules') },
      { path: 'schedules/:name', element: page(() => import('@/pages/schedules/SchedulePage'), 'SchedulePage') },
      { path: 'resources', element: page(() => import('@/pages/resources/Resources'), 'Resources') },
      { path: 'workers', element: page(() => import('@/pages/workers/Workers'), 'Workers') },
      { path: 'checkpoints', element: page(() => import('@/pages/checkpoints/Checkpoints'), 'Checkpoints') },
      { path: 'settings', element: page(() => import('@/pages/settings/Settings'), 'Settings') },
      { path: 'operations/:id', element: page(() => import('@/pages/operation/OperationPage'), 'OperationPage') },
      { path: '*', element: <NotFound /> },
    ],
  },
]
