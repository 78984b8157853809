import { defineComponent, h, shallowRef } from 'vue'
import { t } from '../ui/i18n.ts'

/** Code with its language and a button that copies it. */
export const CodeBlock = defineComponent({
  props: { code: { type: String, required: true }, language: { type: String, required: true } },
  setup(props) {
    const said = shallowRef('copy')

    async function copy() {
      said.value = await navigator.clipboard.writeText(props.code).then(
        () => 'copied',
        () => 'not-copied',
      )
      setTimeout(() => (said.value = 'copy'), 1600)
    }

    return () => {
      const title = props.language || t('markdown.code')
      return h('div', { class: 'md-code' }, [
        h('div', { class: 'md-code-bar' }, [
          h('span', title),
          h('button', { type: 'button', onClick: copy }, t(`markdown.${said.value}`)),
        ]),
        h('pre', { tabindex: 0, role: 'region', 'aria-label': title }, [h('code', props.code)]),
      ])
    }
  },
})
