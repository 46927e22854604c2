import type { LookupAddress, LookupOptions } from 'node:dns';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callHttps, outcomeOfError } from './https-call.ts';
import {
  isPublicAddress,
  OutgoingRefused,
  type OutgoingRules,
  outgoingLookup,
  parseOutgoingAddress,
} from './outgoing-address.ts';
import { testCertificate } from './test-certificate.ts';

const reasonOf = (text: string, rules?: OutgoingRules) => {
  const parsed = parseOutgoingAddress(text, rules);
  return parsed.kind === 'ok' ? 'ok' : parsed.reason;
};

describe('an address that somebody set', () => {
  it.each([
    ['https://hooks.example.org/a?b=c', 'ok'],
    ['https://93.184.215.14/', 'ok'],
    ['https://[2606:2800:21f:cb07::1]/', 'ok'],
    ['https://hooks.example.org:443/', 'ok'],
    ['http://hooks.example.org/', 'not-https'],
    ['ftp://hooks.example.org/', 'not-https'],
    ['file:///etc/passwd', 'not-an-address'],
    ['javascript:alert(1)', 'not-an-address'],
    ['hooks.example.org', 'not-an-address'],
    ['https://', 'not-an-address'],
    ['https://user:password@hooks.example.org/', 'has-credentials'],
    ['https://user@hooks.example.org/', 'has-credentials'],
    ['https://hooks.example.org:8443/', 'port-not-allowed'],
    ['https://hooks.example.org:22/', 'port-not-allowed'],
    [`https://hooks.example.org/${'a'.repeat(2_100)}`, 'not-an-address'],
  ])('%s: %s', (text, expected) => expect(reasonOf(text)).toBe(expected));

  it.each([
    'https://localhost/',
    'https://LOCALHOST./',
    'https://app.localhost/',
    'https://printer.local/',
    'https://metadata.google.internal/computeMetadata/v1/',
    'https://router.home.arpa/',
    'https://intranet/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://127.0.0.1./',
    'https://１２７.０.０.１/',
    'https://0/',
    'https://10.0.0.1/',
    'https://172.31.255.255/',
    'https://192.168.1.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://100.64.0.1/',
    'https://255.255.255.255/',
    'https://224.0.0.1/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[::127.0.0.1]/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://[ff02::1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[64:ff9b::192.168.0.1]/',
    'https://[64:ff9b:1::1]/',
    'https://[2002:7f00:1::]/',
    'https://[2001:0:53aa:64c::1]/',
    'https://[2001:db8::1]/',
  ])('%s is in the house, however it is written', (text) => expect(reasonOf(text)).toBe('private-address'));

  it('another port is for the operator to allow', () => {
    expect(reasonOf('https://hooks.example.org:8443/', { ports: [443, 8443] })).toBe('ok');
    expect(reasonOf('https://hooks.example.org:9443/', { ports: [443, 8443] })).toBe('port-not-allowed');
  });

  it('a host in the house is for the operator to name, with or without its port', () => {
    const rules = { allowedHosts: ['Hooks.ward.internal', '10.1.2.3:8443', '[fd00::5]:443', 'fd00::6'] };
    expect(reasonOf('https://hooks.ward.internal:9000/', rules)).toBe('ok');
    expect(reasonOf('https://hooks.ward.internal./', rules)).toBe('ok');
    expect(reasonOf('https://10.1.2.3:8443/', rules)).toBe('ok');
    expect(reasonOf('https://10.1.2.3/', rules)).toBe('private-address');
    expect(reasonOf('https://10.1.2.4:8443/', rules)).toBe('port-not-allowed');
    expect(reasonOf('https://[fd00::5]/', rules)).toBe('ok');
    expect(reasonOf('https://[fd00::6]/', rules)).toBe('ok');
    expect(reasonOf('https://x.hooks.ward.internal/', rules)).toBe('private-address');
    expect(reasonOf('http://hooks.ward.internal/', rules)).toBe('not-https');
  });

  it('the clouds’ credentials are never reached, named or not', () => {
    const rules = { allowedHosts: ['169.254.169.254', '[fd00:ec2::254]', '0.0.0.0', 'fe80::1', '::ffff:a9fe:a9fe'] };
    for (const host of ['169.254.169.254', '[fd00:ec2::254]', '0.0.0.0', '[fe80::1]', '[::ffff:169.254.169.254]'])
      expect(reasonOf(`https://${host}/`, rules)).toBe('private-address');
  });
});

describe('an address that a name resolves to', () => {
  it('is public for every other IPv4 address, and for none of the special ones', () => {
    const special =
      /^(0|10|127|22[4-9]|2[345]\d)\.|^100\.(6[4-9]|[79]\d|8\d|1[01]\d|12[0-7])\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\.|^192\.168\.|^192\.0\.[02]\.|^192\.88\.99\.|^198\.1[89]\.|^198\.51\.100\.|^203\.0\.113\./;
    const octet = fc.integer({ min: 0, max: 255 });
    const first = fc.oneof(octet, fc.constantFrom(0, 10, 100, 127, 169, 172, 192, 198, 203, 224, 255));
    fc.assert(
      fc.property(first, octet, octet, octet, (...parts) => {
        const address = parts.join('.');
        expect(isPublicAddress(address)).toBe(!special.test(address));
        // NAT64 (RFC 6052) reaches the same machine; a mapped address (RFC 4291 §2.5.5.2) is never one of the internet.
        expect(isPublicAddress(`64:ff9b::${address}`)).toBe(!special.test(address));
        expect(isPublicAddress(`::ffff:${address}`)).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
  it.each(['', 'example.org', 'fe80::1%eth0', '2606:2800::1%eth0'])('%j is not', (text) =>
    expect(isPublicAddress(text)).toBe(false),
  );

  type Resolve = Parameters<typeof outgoingLookup>[2];
  const resolving = (...addresses: string[]) =>
    ((_name: string, _options: LookupOptions, done: (error: null, found: LookupAddress[]) => void) =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )) as unknown as Resolve;
  const lookedUp = (resolve: Resolve, options: { all?: boolean } = {}, rules?: OutgoingRules, name = 'evil.example') =>
    new Promise<unknown>((done) => {
      outgoingLookup(new URL(`https://${name}/`), rules, resolve)(name, options, (error, ...found) =>
        done(error ?? found),
      );
    });

  it('that is private is not connected to', async () => {
    expect(await lookedUp(resolving('10.0.0.1'))).toBeInstanceOf(OutgoingRefused);
    expect(await lookedUp(resolving('::ffff:10.0.0.1'), { all: true })).toBeInstanceOf(OutgoingRefused);
    expect(await lookedUp(resolving(), { all: true })).toBeInstanceOf(OutgoingRefused);
  });
  it('that is private beside a public one is left out', async () => {
    expect(await lookedUp(resolving('10.0.0.1', '93.184.215.14'))).toEqual(['93.184.215.14', 4]);
    expect(await lookedUp(resolving('::1', '93.184.215.14', '2606:2800::1'), { all: true })).toEqual([
      [
        { address: '93.184.215.14', family: 4 },
        { address: '2606:2800::1', family: 6 },
      ],
    ]);
  });
  it('may be in the house for a name the operator vouches for, but not link-local', async () => {
    const rules = { allowedHosts: ['hooks.ward'] };
    expect(await lookedUp(resolving('10.0.0.1'), {}, rules, 'hooks.ward')).toEqual(['10.0.0.1', 4]);
    expect(await lookedUp(resolving('169.254.169.254'), {}, rules, 'hooks.ward')).toBeInstanceOf(OutgoingRefused);
  });

  it('is judged at the moment of connecting: a name that has changed its mind reaches nothing', async () => {
    const { cert, key } = await testCertificate();
    let requests = 0;
    const server = createServer({ cert, key }, (_, response) => {
      requests++;
      response.end();
    });
    let sockets = 0;
    server.on('connection', () => sockets++);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const call = (rules: OutgoingRules) => {
      // Public when it was set; a name, so that `parseOutgoingAddress` cannot know.
      const url = new URL(`https://rebinding.example:${port}/`);
      const lookup = outgoingLookup(url, rules, resolving('127.0.0.1'));
      return callHttps({ url, headers: {}, signal: AbortSignal.timeout(5_000), ca: cert, lookup });
    };
    const refused = await call({ ports: [port] }).catch((error: unknown) => error);
    expect(outcomeOfError(refused)).toEqual({ kind: 'permanent', reason: 'address not allowed' });
    expect(sockets).toBe(0);
    // The same way is open for a host the operator names; the certificate is still for another name.
    const misnamed = await call({ allowedHosts: ['rebinding.example'] }).catch((error: unknown) => error);
    expect(outcomeOfError(misnamed)).toEqual({ kind: 'transient', reason: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(sockets).toBe(1);
    expect(requests).toBe(0);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  });
});
