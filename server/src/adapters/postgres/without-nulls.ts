/** A row's columns as optional properties: absent where SQL says null. */
export function withoutNulls<Row extends object>(row: Row): WithoutNulls<Row> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as WithoutNulls<Row>;
}

type WithoutNulls<Row> = {
  readonly [Column in keyof Row as null extends Row[Column] ? never : Column]: Row[Column];
} & {
  readonly [Column in keyof Row as null extends Row[Column] ? Column : never]?: NonNullable<Row[Column]>;
};
