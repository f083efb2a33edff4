import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { Tooltip } from 'radix-ui'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createBrowserRouter, RouterProvider } from 'react-router'
import { BASE_PATH, Problem } from './api/client'
import { live } from './api/live'
import { ROUTES } from './app/routes'
import { Toasts } from './parts/Toasts'
import './styles/tokens.css'
import './styles/ground.css'
import './styles/shell.css'
import './styles/parts.css'
import './styles/pages.css'
import './styles/chains.css'
import './styles/places.css'

const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    // A key that is good no more: the frame asks who this is, and shows where to sign in.
    onError: (error, query) => {
      if (error instanceof Problem && error.status === 401 && query.queryKey[0] !== 'session')
        void queries.invalidateQueries({ queryKey: ['session'] })
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      retry: (times, error) => times < 2 && error instanceof Problem && (error.status === 0 || error.status >= 502),
      networkMode: 'always',
      refetchOnWindowFocus: () => !live.isPaused(),
      refetchOnReconnect: () => !live.isPaused(),
    },
    mutations: { networkMode: 'always', retry: false },
  },
})

const router = createBrowserRouter(ROUTES, { basename: BASE_PATH || '/' })

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <Tooltip.Provider delayDuration={300}>
        <RouterProvider router={router} />
        <Toasts />
      </Tooltip.Provider>
    </QueryClientProvider>
  </StrictMode>,
)
