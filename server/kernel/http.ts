import express from 'express'
import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response, Router } from 'express'

export type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response, Router }

/** A router for a module's endpoints. Handlers may be async: Express 5 passes a rejection on to `next`. */
export function createRouter(): Router {
  return express.Router()
}

/** Reads a JSON body of at most `limit` bytes, whatever content type a client names. */
export function jsonBody(limit: number): RequestHandler {
  return express.json({ limit, strict: false, type: () => true })
}
