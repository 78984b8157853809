import type { Static, TObject, TSchema } from 'typebox'

export const NODE_CATEGORY = ['processing', 'io', 'control', 'integration'] as const
export type NodeCategory = (typeof NODE_CATEGORY)[number]

/** Words in both languages. */
export interface Words {
  zh: string
  en: string
}

/**
 * A kind of workflow node, described once: the palette and the form of the editor, the validator, the seed of
 * `node_types` and the executor's types all come from this.
 */
export interface NodeType<C extends TObject = TObject, O extends TSchema = TSchema> {
  /** Primary key in `node_types`: fixed, so that every installation has the same and templates can refer to it. */
  readonly id: string
  readonly type_name: string
  readonly display_name: Words
  readonly description: Words
  readonly category: NodeCategory
  /** How many links may come in and go out; `many` means any number. */
  readonly ports: { readonly in: 0 | 1; readonly out: 0 | 'many' }
  /** What a node of this kind reads. */
  readonly input_schema: TSchema
  /** What it leaves under `nodes.<name>.output`. */
  readonly output_schema: O
  readonly config_schema: C
  readonly default_config: Readonly<Partial<Static<C>>>
  /** Service types that must be configured for it to run, e.g. `llm`. */
  readonly required_services: readonly string[]
  readonly tags: readonly string[]
}

export function nodeType<const C extends TObject, const O extends TSchema>(definition: NodeType<C, O>): NodeType<C, O> {
  return definition
}

export type NodeConfig<T> = T extends NodeType<infer C, TSchema> ? Static<C> : never
export type NodeOutput<T> = T extends NodeType<TObject, infer O> ? Static<O> : never
