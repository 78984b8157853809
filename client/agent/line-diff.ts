import { diffLines } from 'diff'

export type DiffRow =
  | { kind: 'same' | 'added' | 'removed'; text: string; before: number | undefined; after: number | undefined }
  /** Unchanged lines that are left out. */
  | { kind: 'gap'; lines: number }

/** Lines kept around a change. */
const CONTEXT = 3

/** Two texts line by line, with long unchanged stretches folded. */
export function lineDiff(before: string, after: string): DiffRow[] {
  const rows: Exclude<DiffRow, { kind: 'gap' }>[] = []
  let [old, now] = [0, 0]
  for (const part of diffLines(closed(before), closed(after))) {
    const kind = part.added ? 'added' : part.removed ? 'removed' : 'same'
    for (const text of part.value.replace(/\n$/, '').split('\n')) {
      const row = {
        kind,
        text,
        before: kind === 'added' ? undefined : ++old,
        after: kind === 'removed' ? undefined : ++now,
      } as const
      rows.push(row)
    }
  }
  return fold(rows)
}

export function changedLines(rows: readonly DiffRow[]): { added: number; removed: number } {
  return {
    added: rows.filter((row) => row.kind === 'added').length,
    removed: rows.filter((row) => row.kind === 'removed').length,
  }
}

/** A missing newline at the end is no change. */
function closed(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}

function fold(rows: Exclude<DiffRow, { kind: 'gap' }>[]): DiffRow[] {
  const near = rows.map((_, index) =>
    rows.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some((row) => row.kind !== 'same'),
  )
  const folded: DiffRow[] = []
  for (const [index, row] of rows.entries()) {
    if (near[index]) folded.push(row)
    else {
      const last = folded.at(-1)
      if (last?.kind === 'gap') last.lines++
      else folded.push({ kind: 'gap', lines: 1 })
    }
  }
  return folded
}
