// The PostgreSQL that ONEMAP_E2E_STORE names, by the URL of a superuser: then the
// tests run on the PostGIS store. Each server gets a database of its own.

import { execFileSync } from 'node:child_process'

const admin = process.env.ONEMAP_E2E_STORE ?? ''

/** Runs SQL as a department's own program would, and returns what it prints. */
export function psql(url: string, sql: string): string {
  return execFileSync('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', url, '-c', sql], { encoding: 'utf8' })
}

/** Makes a database, a copy of another if one is named, and returns its URL; '' for the embedded store. */
export function createDatabase(copyOf = ''): string {
  if (!admin) return ''
  const name = `onemap_e2e_${process.pid}_${Math.random().toString(36).slice(2)}`
  psql(admin, `CREATE DATABASE ${name} TEMPLATE ${copyOf ? nameOf(copyOf) : 'template0'}`)
  const url = new URL(admin)
  url.pathname = `/${name}`
  if (!copyOf) psql(url.href, 'CREATE EXTENSION postgis')
  return url.href
}

export function dropDatabase(url: string): void {
  if (url) psql(admin, `DROP DATABASE IF EXISTS ${nameOf(url)} WITH (FORCE)`)
}

const nameOf = (url: string): string => new URL(url).pathname.slice(1)
