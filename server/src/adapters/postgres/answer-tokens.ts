import type pg from 'pg';
import type { AnswerToken, AnswerTokens } from '../../ports/answer-tokens.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';

export class PostgresAnswerTokens implements AnswerTokens {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async put({ sha256, alarmId, channel, recipient, expiresAtMs }: Parameters<AnswerTokens['put']>[0]): Promise<void> {
    await failing(() =>
      this.#pool.query(
        'insert into answer_token (sha256, alarm_id, channel, recipient, expires_at) values ($1, $2, $3, $4, $5)',
        [sha256, alarmId, channel, recipient, new Date(expiresAtMs)],
      ),
    );
  }

  async find(sha256: string): Promise<AnswerToken | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<AnswerToken>(
        `select alarm_id as "alarmId", channel, recipient, expires_at as "expiresAtMs"
         from answer_token where sha256 = $1`,
        [sha256],
      ),
    );
    return rows[0];
  }

  async trim(beforeMs: number): Promise<void> {
    await failing(() => this.#pool.query('delete from answer_token where expires_at < $1', [new Date(beforeMs)]));
  }
}
