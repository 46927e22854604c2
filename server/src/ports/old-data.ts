/** What may go once it is old: kept for those who ask what happened, not needed for anything to work. */
export type OldDataKind = 'deliveries' | 'workflow-histories' | 'vitals';

export interface OldData {
  /**
   * Takes away some of what is over since before that moment, the oldest first; answers how many rows, histories or
   * days. Fewer than `limit`: nothing is left for now. Never what is still under way: a delivery that waits, one of an
   * alarm that is open, an execution that runs, a day that is not over.
   */
  forget(kind: OldDataKind, request: { readonly beforeMs: number; readonly limit: number }): Promise<number>;
}
