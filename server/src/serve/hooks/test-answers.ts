import type { AlarmAnswer, AlarmAnswers } from '../../ports/alarm-answers.ts';

/** Answers held in memory: one alarm, behind any token, id or address but `unknown` and `old`, and who may take it. */
export function memoryAnswers(people: Readonly<Record<string, string>>) {
  const asked: AlarmAnswer[] = [];
  const receipts: Parameters<AlarmAnswers['receipt']>[0][] = [];
  const state = { owner: undefined as string | undefined, failWith: undefined as Error | undefined };
  const answers: AlarmAnswers = {
    async answer(answer) {
      asked.push(answer);
      if (state.failWith !== undefined) throw state.failWith;
      const person = people[answer.from];
      const [mark] = Object.values(answer.by);
      if (mark === 'unknown') return { kind: 'unknown-alarm' };
      if (mark === 'old') return { kind: 'expired' };
      if (person === undefined) return { kind: 'unknown-person' };
      if (person === 'visitor') return { kind: 'not-allowed' };
      if (state.owner !== undefined) return { kind: 'already', owner: state.owner };
      state.owner = person;
      return { kind: 'done', owner: person };
    },
    async receipt(receipt) {
      receipts.push(receipt);
    },
  };
  return { answers, asked, receipts, state };
}
