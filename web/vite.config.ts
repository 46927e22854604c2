import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// Every script and style tag carries the placeholder; the server puts the nonce of that answer in its place.
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    target: 'es2022',
    // A data: URL would need its own source in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1_500,
    rolldownOptions: {
      input: {
        index: `${import.meta.dirname}/index.html`,
        'push-worker': `${import.meta.dirname}/worker/push-worker.ts`,
      },
      // A browser knows a service worker by its address: that one keeps its name.
      output: { entryFileNames: ({ name }) => (name === 'push-worker' ? '[name].js' : 'assets/[name]-[hash].js') },
    },
  },
});
