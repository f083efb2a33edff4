import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const server = process.env.PAGES_API ?? 'http://127.0.0.1:8811'

// Addresses are relative to the document's <base>, which the server sets to the prefix it is mounted under.
export default defineConfig({
  base: './',
  plugins: [react()],
  resolve: {
    alias: {
      '@': new URL('./src', import.meta.url).pathname,
      // The library's tools for tests ask for a validator that compiles code; forms here have their own.
      '@rjsf/validator-ajv8': new URL('./src/parts/form/validator.ts', import.meta.url).pathname,
    },
  },
  build: {
    outDir: process.env.PAGES_OUT ?? '../src/onward/server/static',
    emptyOutDir: true,
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': server, '/healthz': server } },
})
