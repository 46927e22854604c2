import { describe, expect, it } from 'vitest';
import { parsePhysionet } from './physionet.ts';

describe('a patient of the 2019 challenge', () => {
  const header = 'HR|O2Sat|Temp|SBP|MAP|DBP|Resp|FiO2|SepsisLabel';

  it('has a reading for each hour, with what was measured and nothing for what was not', () => {
    const patient = parsePhysionet(
      'p100001.psv',
      `${header}\nNaN|NaN|NaN|NaN|NaN|NaN|NaN|NaN|0\n103|90|36.5|NaN|72|NaN|30|0.28|0\n`,
    );
    expect(patient).toEqual({
      patientId: 'p100001',
      readings: [
        { minute: 0, vitals: {}, context: {} },
        {
          minute: 60,
          vitals: { heartRate: 103, spo2: 90, temperature: 36.5, mean: 72, respiratoryRate: 30 },
          context: { oxygen: true },
        },
      ],
    });
  });
});

describe('a patient of the 2012 challenge', () => {
  it('has a reading for each minute that holds a vital; unknown values (−1) are none', () => {
    const text = 'Time,Parameter,Value\n00:00,Age,54\n00:07,HR,73\n00:07,Temp,-1\n01:37,HR,77\n01:37,RespRate,19\n';
    expect(parsePhysionet('132539.txt', text)).toEqual({
      patientId: 'icu-132539',
      readings: [
        { minute: 7, vitals: { heartRate: 73 }, context: {} },
        { minute: 97, vitals: { heartRate: 77, respiratoryRate: 19 }, context: {} },
      ],
    });
  });

  it('takes the arterial pressure over the cuff’s, in whichever order they stand', () => {
    for (const rows of ['00:10,NISysABP,110\n00:10,SysABP,118', '00:10,SysABP,118\n00:10,NISysABP,110']) {
      const patient = parsePhysionet('1.txt', `Time,Parameter,Value\n${rows}\n`);
      expect(patient?.readings[0]?.vitals.systolic).toBe(118);
    }
  });
});

it('a file of neither challenge is none', () => {
  expect(parsePhysionet('notes.txt', 'hello\nworld')).toBeUndefined();
});
