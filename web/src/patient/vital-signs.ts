/** How a patient's page shows each vital: its words, unit, colour and the range of its trend. */
export interface ShownVital {
  readonly vital: string;
  readonly label: string;
  readonly unit: string;
  readonly decimals: number;
  readonly colour: string;
}

export const SHOWN_VITALS: readonly ShownVital[] = [
  { vital: 'heartRate', label: 'HR', unit: '/min', decimals: 0, colour: '#3ddc61' },
  { vital: 'spo2', label: 'SpO₂', unit: '%', decimals: 0, colour: '#5bd3ff' },
  { vital: 'respiratoryRate', label: 'RR', unit: '/min', decimals: 0, colour: '#f7e463' },
  { vital: 'systolic', label: 'BP systolic', unit: 'mmHg', decimals: 0, colour: '#ff9a90' },
  { vital: 'diastolic', label: 'BP diastolic', unit: 'mmHg', decimals: 0, colour: '#ff9a90' },
  { vital: 'mean', label: 'BP mean', unit: 'mmHg', decimals: 0, colour: '#ff9a90' },
  { vital: 'temperature', label: 'Temperature', unit: '°C', decimals: 1, colour: '#e6e6e6' },
];

export const vitalOf = (name: string): ShownVital | undefined => SHOWN_VITALS.find(({ vital }) => vital === name);

/** NEWS2 parameters in the order of the chart (RCP 2017). */
export const NEWS2_PARAMETERS: readonly (readonly [parameter: string, words: string])[] = [
  ['respiratoryRate', 'Respiratory rate'],
  ['spo2', 'SpO₂'],
  ['oxygen', 'Air or oxygen'],
  ['systolic', 'Systolic BP'],
  ['heartRate', 'Pulse'],
  ['consciousness', 'Consciousness'],
  ['temperature', 'Temperature'],
];
