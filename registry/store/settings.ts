import type { Database } from 'better-sqlite3';

/** Small values by name. */
export interface SettingsTable {
  get(name: string): string | null;
  set(name: string, value: string): void;
}

export function createSettings(db: Database): SettingsTable {
  const get = db.prepare<[string], string>('SELECT value FROM settings WHERE name = ?').pluck();
  const set = db.prepare('INSERT OR REPLACE INTO settings VALUES (?, ?)');
  return {
    get: (name) => get.get(name) ?? null,
    set: (name, value) => void set.run(name, value),
  };
}
