/** Each returns one sentence per broken law, none when all are kept. `root` is the project's folder. */
export function checkImports(root: string): string[]
export function checkSizes(root: string): string[]
export function checkSql(root: string): string[]
export function checkLocales(root: string): string[]
