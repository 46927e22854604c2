import { problemText } from '../api.ts';
import { PasskeyProblem } from './passkey.ts';

export function factorProblem(error: unknown): string {
  return error instanceof PasskeyProblem ? error.message : problemText(error);
}
