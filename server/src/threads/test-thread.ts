import { getCompileCacheDir } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

parentPort?.postMessage({ data: workerData as unknown, compiled: getCompileCacheDir() });
