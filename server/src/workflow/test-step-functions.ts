import { startMoto } from '../adapters/aws/test-moto.ts';

/** Step Functions as `moto_server` plays it: an independent implementation to compare histories with. */
export interface StepFunctions {
  /**
   * Forgets whatever ran before: moto cannot start an execution beside another. `answers` is what functions answer, in
   * the order in which they are called; one that is not told what echoes its payload.
   */
  start(script: {
    readonly definition: string;
    readonly input: unknown;
    readonly answers: readonly unknown[];
  }): Promise<string>;
  history(execution: string): Promise<readonly StepFunctionsEvent[]>;
  succeed(token: string, output: unknown): Promise<void>;
  fail(token: string, error: string, cause: string): Promise<void>;
  stop(): Promise<void>;
}

export interface StepFunctionsEvent {
  readonly id: number;
  readonly previousEventId: number;
  readonly type: string;
  /** `…EventDetails`, of whichever kind. */
  readonly [details: string]: unknown;
}

export async function startStepFunctions(): Promise<StepFunctions> {
  const { url, stop } = await startMoto();
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(url + path, { method: 'POST', body: JSON.stringify(body), headers });

  async function ask<T>(action: string, body: unknown): Promise<T> {
    const response = await post('/', body, {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AWSStepFunctions.${action}`,
      // Unsigned: only the service and region in it are read.
      authorization:
        'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/states/aws4_request, SignedHeaders=host, Signature=0',
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${action}: ${text}`);
    return JSON.parse(text || '{}') as T;
  }

  return {
    async start({ definition, input, answers }) {
      await post('/moto-api/reset', {});
      await post('/moto-api/config', { stepfunctions: { execute_state_machine: true }, lambda: { use_docker: false } });
      const results = answers.map((answer) => JSON.stringify(answer));
      await post('/moto-api/static/lambda-simple/response', { results, region: 'us-east-1' });
      const { stateMachineArn } = await ask<{ stateMachineArn: string }>('CreateStateMachine', {
        name: 'machine',
        definition,
        roleArn: 'arn:aws:iam::123456789012:role/test',
      });
      const { executionArn } = await ask<{ executionArn: string }>('StartExecution', {
        stateMachineArn,
        name: 'A-1',
        input: JSON.stringify(input),
      });
      return executionArn;
    },
    async history(executionArn) {
      const { events } = await ask<{ events: StepFunctionsEvent[] }>('GetExecutionHistory', {
        executionArn,
        maxResults: 1_000,
      });
      return events;
    },
    succeed: (taskToken, output) => ask('SendTaskSuccess', { taskToken, output: JSON.stringify(output) }),
    fail: (taskToken, error, cause) => ask('SendTaskFailure', { taskToken, error, cause }),
    stop,
  };
}
