import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { DeviceId } from '../domain/ids.ts';
import { commandsTopic, configTopic, readingsTopic, statusTopic } from '../vitals/1-ingest/mqtt/topics.ts';
import { describeEvents } from './asyncapi.ts';

const PAGE = fileURLToPath(new URL('../../../docs/asyncapi.yaml', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
const HEAD =
  '# Made from server/src/serve/asyncapi.ts and the contracts: UPDATE_DOCS=1 npx vitest run server/src/serve/asyncapi\n';

describe('docs/asyncapi.yaml', () => {
  const described = JSON.parse(JSON.stringify(describeEvents(version)));

  it('says what the server’s own schemas say', () => {
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, HEAD + stringify(described, { lineWidth: 110 }));
    expect(parse(readFileSync(PAGE, 'utf8'))).toEqual(described);
  });

  it('names the topics the endpoint serves', () => {
    const device = '{deviceId}' as DeviceId;
    const { readings, status, config, commands } = described.channels;
    expect([readings.address, status.address, config.address, commands.address]).toEqual([
      readingsTopic(device),
      statusTopic(device),
      configTopic(device),
      commandsTopic(device),
    ]);
  });

  it('refers to nothing that is not there', () => {
    const references = [...JSON.stringify(described).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(references.length).toBeGreaterThan(20);
    for (const reference of references) {
      // biome-ignore lint/suspicious/noExplicitAny: walking an arbitrary document
      const found = reference.split('/').reduce<any>((at, key) => at?.[key], described);
      expect(found, reference).toBeDefined();
    }
  });
});
