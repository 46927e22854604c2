// Where a thread begins (`threads/start-thread.ts`). JavaScript, so that where its TypeScript was compiled before, the
// compiler is not loaded for it: 12 MiB in every thread, as a thread does not know its process's cache.
import { enableCompileCache, flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/healthsync', import.meta.url)));

await import(process.argv[2]);
// A thread may be ended before it could say what it has compiled.
flushCompileCache();
