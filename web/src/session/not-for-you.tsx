import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { ApiProblem, api } from '../api.ts';
import { anyRoleText } from './role-words.ts';

/**
 * In place of a page that this person may not see. The server is asked all the same: it decides, says who may, and
 * writes down who tried.
 */
export function NotForYou({ title, asks }: { readonly title: string; readonly asks: string }) {
  const queries = useQueryClient();
  const { error, isSuccess } = useQuery({
    queryKey: ['not-for-you', asks],
    // Nothing of an answer is kept.
    queryFn: async () => {
      await api(asks);
      return null;
    },
    retry: false,
    gcTime: 0,
  });
  // It would be answered: what one may has changed since one came in.
  useEffect(() => {
    if (isSuccess) void queries.invalidateQueries({ queryKey: ['session'] });
  }, [isSuccess, queries]);
  const roles = error instanceof ApiProblem ? error.problem.rolesNeeded : undefined;
  return (
    <main className="page">
      <h1>{title}</h1>
      <div className="refused" role="alert">
        <p>You may not see this.{roles !== undefined && ` It needs: ${anyRoleText(roles)}.`}</p>
      </div>
    </main>
  );
}
