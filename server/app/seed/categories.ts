/** Categories of the store, by function, industry and technology. Ids are fixed, so that seeding again changes nothing. */
export interface SeedCategory {
  id: string
  parent: string | null
  slug: string
  name: string
  name_en: string
}

const id = (number: number) => `01900000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`

const roots: readonly [slug: string, name: string, name_en: string, children: readonly [string, string, string][]][] = [
  [
    'function',
    '按功能',
    'By function',
    [
      ['writing', '写作与编辑', 'Writing and editing'],
      ['translation', '翻译与语言', 'Translation and language'],
      ['summary', '总结与纪要', 'Summaries and minutes'],
      ['research', '研究与分析', 'Research and analysis'],
      ['coding', '编程与代码', 'Programming'],
      ['support', '客服与问答', 'Support and questions'],
      ['assistant', '通用助手', 'General assistants'],
    ],
  ],
  [
    'industry',
    '按行业',
    'By industry',
    [
      ['education', '教育', 'Education'],
      ['finance', '金融', 'Finance'],
      ['legal', '法律', 'Law'],
      ['healthcare', '医疗', 'Healthcare'],
      ['retail', '零售与电商', 'Retail'],
      ['manufacturing', '制造', 'Manufacturing'],
      ['government', '政务', 'Public service'],
    ],
  ],
  [
    'technology',
    '按技术栈',
    'By technology',
    [
      ['prompt', '提示词智能体', 'Prompt agents'],
      ['workflow', '工作流', 'Workflows'],
      ['rag', '知识库检索', 'Knowledge retrieval'],
      ['tools', '工具调用', 'Tool use'],
      ['multi-agent', '多智能体', 'Multi-agent'],
    ],
  ],
]

export const seedCategories: readonly SeedCategory[] = roots.flatMap(([slug, name, name_en, children], rootIndex) => {
  const parent = id((rootIndex + 1) * 100)
  return [
    { id: parent, parent: null, slug, name, name_en },
    ...children.map(([childSlug, childName, childNameEn], index) => ({
      id: id((rootIndex + 1) * 100 + index + 1),
      parent,
      slug: childSlug,
      name: childName,
      name_en: childNameEn,
    })),
  ]
})

/** Id of a category by slug. */
export function categoryId(slug: string): string {
  const found = seedCategories.find((category) => category.slug === slug)
  if (!found) throw new Error(`no category ${slug}`)
  return found.id
}
