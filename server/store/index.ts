/** The door of the store. */
export { storeRoutes } from './routes.ts'
