import { describe, expect, it } from 'vitest';
import { readMail } from './demo-mail-text.ts';

const MAIL = { to: ['anna.demo@demo.invalid'], atMs: 0 };
const lines = (...all: readonly string[]) => all.join('\r\n');

describe('a mail of the demo', () => {
  it('is shown with its subject and text, whatever letters are in them', () => {
    const raw = lines(
      'From: a@b',
      'Subject: =?UTF-8?Q?High_=E2=80=93_W3-06?=',
      ' =?UTF-8?B?IOKYhQ==?=',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'Bed W3-06 =E2=80=93 go=',
      ' now',
    );
    expect(readMail(raw, MAIL)).toEqual({ ...MAIL, subject: 'High – W3-06 ★', text: 'Bed W3-06 – go now' });
  });

  it('with a chart is shown by its plain part', () => {
    const raw = lines(
      'Subject: Rich',
      'Content-Type: multipart/related; boundary="outer"',
      '',
      '--outer',
      'Content-Type: multipart/alternative; boundary="inner"',
      '',
      '--inner',
      'Content-Type: text/html',
      '',
      '<p>no</p>',
      '--inner',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.from('Bed W3-06 – go').toString('base64'),
      '--inner--',
      '--outer--',
    );
    expect(readMail(raw, MAIL).text).toBe('Bed W3-06 – go');
  });
});
