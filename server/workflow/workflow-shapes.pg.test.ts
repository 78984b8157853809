import { describe, expect, it } from 'vitest'
import type { WorkflowDefinition } from '../../shared/workflow/graph.ts'
import { useBench, WHOLE } from './testing/bench.ts'
import { branch, chain, edge, node } from './testing/definitions.ts'
import { ask, ended, newAgent, newChat } from './testing/rig.ts'

const bench = useBench()

async function run(definition: WorkflowDefinition, text = 'hello', more: Parameters<typeof newAgent>[2] = {}) {
  const agent = await newAgent(bench.db, definition, more)
  const asked = await ask(bench.db, agent, await newChat(bench.db, agent), text)
  const made = await bench.work()
  const answer = await ended(bench.db, asked)
  const nodes = await bench.db.query<{
    node_name: string
    status: string
    output_state: unknown
    service_calls: unknown
  }>(
    'select node_name, status, output_state, service_calls from workflow_node_executions where execution_id = $1 order by started_at, id',
    [asked.execution_id],
  )
  return { asked, answer, nodes, names: nodes.map((each) => each.node_name), ...made }
}

const twoWays = (source: ReturnType<typeof node>, way: ReturnType<typeof branch>): WorkflowDefinition => ({
  version: 1,
  nodes: [
    node('start', 'start'),
    source,
    node('long', 'template', { template: 'long: {{ input.text }}' }),
    node('short', 'template', { template: 'short' }),
    node('end1', 'end'),
    node('end2', 'end'),
  ],
  edges: [edge('start', source.node_name), way, edge('long', 'end1'), edge('short', 'end2')],
})

describe('a workflow', () => {
  it('fills templates with earlier results', async () => {
    const definition = chain(
      node('start', 'start'),
      node('ask', 'llm'),
      node('frame', 'template', { template: '<{{ nodes.ask.output }}> for {{input.text}}' }),
      node('end', 'end'),
    )
    const { answer, seen, asked } = await run(definition)
    expect(answer.content).toBe(`<${WHOLE}> for hello`)
    expect(seen(asked.execution_id)).toBe(answer.content)
  })

  it.each([
    ['a rather long question', 'long: a rather long question', 'long'],
    ['hi', 'short', 'short'],
  ])('takes the branch of a condition node: %s', async (text, content, name) => {
    const choice = node('choice', 'condition', { cases: [{ when: 'size(input.text) > 5', value: 'long' }] })
    const { answer, names } = await run(twoWays(choice, branch('choice', { long: 'long', default: 'short' })), text)
    expect(answer.content).toBe(content)
    expect(names).toContain(name)
    expect(names).toHaveLength(4)
  })

  it('takes the branch of a conditional edge, by the value of its expression', async () => {
    const way = branch('say', { '5': 'short', default: 'long' }, 'size(nodes.say.output.text)')
    const { answer } = await run(twoWays(node('say', 'template', { template: '12345' }), way))
    expect(answer.content).toBe('short')
  })

  it('fails when a condition cannot be decided', async () => {
    const way = branch('say', { true: 'short', default: 'long' }, 'nodes.say.output.nothing == 1')
    const { answer } = await run(twoWays(node('say', 'template', { template: 'x' }), way))
    expect(answer.metadata.error).toMatchObject({ code: 'run/node-failed', params: { node: 'say' } })
  })

  it('runs branches side by side and answers with all their ends in order', async () => {
    const definition: WorkflowDefinition = {
      version: 1,
      nodes: [
        node('start', 'start'),
        node('a', 'llm', { prompt: 'A' }),
        node('b', 'llm', { prompt: 'B' }),
        node('end1', 'end'),
        node('end2', 'end'),
      ],
      edges: [edge('start', 'b'), edge('start', 'a'), edge('b', 'end2'), edge('a', 'end1')],
    }
    bench.mock.set({ answer: 'same' })
    const { answer, seen, asked } = await run(definition)
    expect(answer.content).toBe('same\n\nsame')
    expect(seen(asked.execution_id)).toBe('same')
  })

  it('may name its nodes as LangGraph names its own things', async () => {
    const { answer } = await run(chain(node('__start__', 'start'), node('out', 'llm'), node('__end__', 'end')))
    expect(answer.content).toBe(WHOLE)
  })

  it('passes the settings of agent and node to the model', async () => {
    const definition = chain(
      node('start', 'start'),
      node('ask', 'llm', { temperature: 0, system_prompt: 'Own: {{ input.text }}', include_history: false }),
      node('end', 'end'),
    )
    await run(definition, 'hello', {
      system_prompt: 'Agent',
      model_params: { model: 'big', temperature: 1, max_tokens: 50 },
    })
    expect(bench.mock.requests[0]?.body).toMatchObject({
      model: 'big',
      temperature: 0,
      max_tokens: 50,
      messages: [
        { role: 'system', content: 'Own: hello' },
        { role: 'user', content: 'hello' },
      ],
    })
  })

  it('ends a node that takes longer than it may', async () => {
    bench.mock.set({ tokens: 1000, tokens_per_second: 100 })
    const { answer } = await run(
      chain(node('start', 'start'), node('ask', 'llm', { timeout_seconds: 1 }), node('end', 'end')),
    )
    expect(answer.metadata.error).toMatchObject({ code: 'run/timed-out', params: { node: 'ask' } })
    expect(answer.content.length).toBeGreaterThan(0)
  })

  it('repeats a failed node as often as its edge says', async () => {
    bench.mock.set({ fault: 'error', fault_times: 3 })
    const definition = chain(node('start', 'start'), node('ask', 'llm'), node('end', 'end'))
    definition.edges[0] = edge('start', 'ask', { retry_policy: { max_retries: 1, backoff_seconds: 0.05 } })
    const { answer } = await run(definition)
    expect(answer.content).toBe(WHOLE)
    expect(bench.mock.requests).toHaveLength(4)
  })

  it('keeps the answer once, and the rest of the record by reference', async () => {
    const { nodes, asked } = await run(chain(node('start', 'start'), node('ask', 'llm'), node('end', 'end')))
    const record = JSON.stringify(nodes)
    expect(record).not.toContain('word7')
    expect(nodes[1]).toMatchObject({
      output_state: { text: { message: asked.answer_id } },
      service_calls: [{ service: 'model', messages: [{ message: asked.question_id }] }],
    })
    const [execution] = await bench.db.query(
      'select final_result, total_nodes, completed_nodes, tokens_completion, checkpoint_id is not null as kept from workflow_executions where execution_id = $1',
      [asked.execution_id],
    )
    expect(execution).toEqual({
      final_result: { message: asked.answer_id },
      total_nodes: 3,
      completed_nodes: 3,
      tokens_completion: 20,
      kept: true,
    })
  })

  it('counts tokens for the daily cap and leaves a line in the audit log', async () => {
    const { asked, answer } = await run(chain(node('start', 'start'), node('ask', 'llm'), node('end', 'end')))
    const [usage] = await bench.db.query('select tokens from token_usages where user_id = $1', [asked.user_id])
    expect(usage).toEqual({ tokens: (answer.metadata.tokens_prompt ?? 0) + 20 })
    const audit = await bench.db.query('select action, outcome from audit_log where object_id = $1', [
      asked.execution_id,
    ])
    expect(audit).toEqual([{ action: 'run.end', outcome: 'done' }])
  })
})
