/** The part the unit tests ask of the UCUM library of the US National Library of Medicine, which ships no types. */
declare module '@lhncbc/ucum-lhc' {
  interface UcumAnswer {
    readonly status: 'succeeded' | 'failed' | 'error';
    readonly toVal: number | null;
    readonly msg: readonly string[];
  }
  const library: {
    readonly UcumLhcUtils: {
      getInstance(): { convertUnitTo(from: string, value: number, to: string): UcumAnswer };
    };
  };
  export default library;
}
