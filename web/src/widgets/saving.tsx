import { Alert } from '@mantine/core';
import { useState } from 'react';
import { ApiProblem, problemText } from '../api.ts';

export interface Saving {
  readonly isBusy: boolean;
  readonly problem: unknown;
  /** True when it went well. A draft is left as it is otherwise, to be mended and sent again. */
  run(action: () => Promise<unknown>): Promise<boolean>;
  /** What the server found wrong with this field, or with anything below it. */
  errorOf(field: string): string | undefined;
  clear(): void;
}

/** One thing being saved: busy, refused with its reasons, or done. */
export function useSaving(): Saving {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const errors = errorsOf(problem);
  return {
    isBusy,
    problem,
    async run(action) {
      setBusy(true);
      setProblem(undefined);
      try {
        await action();
        return true;
      } catch (error) {
        setProblem(error);
        return false;
      } finally {
        setBusy(false);
      }
    },
    errorOf: (field) => errors.find((error) => error.field === field || error.field.startsWith(`${field}.`))?.detail,
    clear: () => setProblem(undefined),
  };
}

export function errorsOf(problem: unknown): readonly { readonly field: string; readonly detail: string }[] {
  return problem instanceof ApiProblem ? (problem.problem.errors ?? []) : [];
}

/** Somebody else saved first: what was written here was made from what is no longer there. */
export function isOutdated(problem: unknown): boolean {
  return problem instanceof ApiProblem && problem.problem.code === 'changed-meanwhile';
}

/** Above a form: what is wrong with it as a whole, and everything whose field is not on the page. */
export function SaveProblem({
  saving,
  shown,
  reload,
}: {
  readonly saving: Saving;
  readonly shown: readonly string[];
  /** Puts what somebody else saved meanwhile in place of the draft. */
  readonly reload?: () => unknown;
}) {
  if (saving.problem === undefined) return null;
  const errors = errorsOf(saving.problem);
  const elsewhere = errors.filter(({ field }) => !shown.some((each) => field === each || field.startsWith(`${each}.`)));
  return (
    <Alert color="gray" className="not-saved" role="alert" mb="md" title="Not saved">
      {errors.length === 0 && problemText(saving.problem)}
      {reload !== undefined && isOutdated(saving.problem) && (
        <p>
          <button type="button" className="plain-button" onClick={() => void reload()}>
            Drop mine, show what is there now
          </button>
        </p>
      )}
      {errors.length > elsewhere.length && <p>See what is marked below.</p>}
      {elsewhere.map(({ field, detail }) => (
        <p key={`${field} ${detail}`}>
          <code>{field}</code> {detail}
        </p>
      ))}
    </Alert>
  );
}
