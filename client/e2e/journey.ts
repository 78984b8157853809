import { tmpdir } from 'node:os'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { MockModelOptions } from '../../server/app/testing/mock-model.ts'
import { devices, launchChromium } from '../../server/kernel/testing/chromium.ts'
import { createFrontDoor, type FrontDoor } from './front-door.ts'
import { newPage, type Trouble } from './person.ts'
import { createProduct, type Product, type ProductEnv } from './product.ts'

/** A product, a door before it and a browser, for the tests of one file. They are there once its tests begin. */
export interface Journey {
  readonly product: Product
  readonly door: FrontDoor
  readonly browser: Browser
  /** Opens a page: in a context of its own, made with `where`, or in that context. */
  open(where?: BrowserContextOptions | BrowserContext): Promise<Page>
  /** What went wrong in any page until now. */
  trouble(): string[]
}

interface Stage {
  product: Product
  door: FrontDoor
  browser: Browser
}

/** To be called on top of a file: starts everything before its tests, ends it after them, and pictures what failed. */
export function journey(name: string, { env, model }: { env?: ProductEnv; model?: MockModelOptions } = {}): Journey {
  const troubles: Trouble[] = []
  const pages: Page[] = []
  let stage: Stage | undefined
  const on = (): Stage => {
    if (!stage) throw new Error('a journey begins in beforeAll')
    return stage
  }

  beforeAll(async () => {
    const product = await createProduct(env)
    await product.start()
    if (model) product.model.set(model)
    stage = { product, door: await createFrontDoor(product.origin), browser: await launchChromium() }
  })

  afterAll(async () => {
    await stage?.browser.close()
    await stage?.door.close()
    await stage?.product.remove()
  })

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await photograph(`${name}-${task.name.slice(0, 24)}`, pages)
  })

  return {
    get product() {
      return on().product
    },
    get door() {
      return on().door
    },
    get browser() {
      return on().browser
    },
    async open(where = devices.desktop) {
      const { product, door, browser } = on()
      const context = 'newPage' in where ? where : await browser.newContext(where)
      const { page, trouble } = await newPage(context, product.origin, door.origin)
      troubles.push(trouble)
      pages.push(page)
      return page
    },
    trouble: () => troubles.flatMap(({ lines }) => lines),
  }
}

/** What people saw when a test failed, for whoever has to find out why. */
async function photograph(title: string, pages: readonly Page[]): Promise<void> {
  const open = pages.filter((page) => !page.isClosed())
  for (const [at, page] of open.entries()) {
    const path = `${tmpdir()}/${title.replaceAll(/[ /]/g, '-')}-${at + 1}.png`
    await page.screenshot({ path }).catch(() => undefined)
  }
}
