// How the servers that share a limit know of each other: each says every while that it is there, in one script that Redis
// runs, by Redis' own clock. Two keys beside those of Bottleneck: the members with their times, and the generation, a
// word that is made anew with the data, so that members see when Redis has lost them.

/** How often a member says that it is there. */
export const BEAT_MS = 250;

/** A member that was not heard of for this long is away: its share is left to it. */
export const AWAY_MS = 1_000;

/** A member that was not heard of for this long is forgotten, and so is what all of them have in Redis. */
export const FORGET_MS = 600_000;

/** What a member remembers of its last beat. */
export interface BeatMemory {
  /** Empty before the first beat. */
  readonly generation: string;
  /** All that were counted, at most 1,000, by id. */
  readonly members: readonly string[];
}

/** What Redis says to a beat. */
export interface Beat extends BeatMemory {
  /** There was nothing in Redis: this member is the first, or what was there is lost. */
  readonly isNew: boolean;
  /** Members heard of within AWAY_MS. */
  readonly live: number;
  /** Members counted: those live and those away. */
  readonly counted: number;
}

/**
 * KEYS: members, generation, Bottleneck's settings, and its other keys. ARGV: id, the part of it that a restarted server
 * has again, the generation remembered, one to begin with, AWAY_MS, FORGET_MS, milliseconds a lease, the members
 * remembered. A started server takes the place of the one that it was before it crashed; members that Redis has lost are
 * entered as away until they say something themselves. Slots that lie further ahead than all members together can have
 * asked for come of a clock that was set back: they are let go of.
 */
export const beatScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local away, forget, lease = now - ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local generation, isNew = redis.call('GET', KEYS[2]), 0
if not generation then
  generation, isNew = ARGV[4], 1
  redis.call('SET', KEYS[2], generation)
end
if ARGV[3] == '' then
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', away)) do
    if string.sub(member, 1, #ARGV[2]) == ARGV[2] then redis.call('ZREM', KEYS[1], member) end
  end
elseif ARGV[3] ~= generation then
  for at = 8, #ARGV do redis.call('ZADD', KEYS[1], 'NX', away - 1, ARGV[at]) end
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - forget)
local counted = redis.call('ZCARD', KEYS[1])
local slot = tonumber(redis.call('HGET', KEYS[3], 'nextRequest') or 0) or 0
if slot > now + lease * (4 * counted + 4) + 1000 then redis.call('HSET', KEYS[3], 'nextRequest', now) end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, forget) end
return { generation, isNew, redis.call('ZCOUNT', KEYS[1], '(' .. string.format('%.0f', away), '+inf'), counted, redis.call('ZRANGE', KEYS[1], 0, 999) }
`;

/** Reads the script's reply. Undefined where it is none. */
export function readBeat(reply: unknown): Beat | undefined {
  if (!Array.isArray(reply) || reply.length !== 5) return undefined;
  const [generation, isNew, live, counted, members] = reply as readonly unknown[];
  if (typeof generation !== 'string' || typeof live !== 'number' || typeof counted !== 'number') return undefined;
  if (!Array.isArray(members) || !members.every((member) => typeof member === 'string')) return undefined;
  return { generation, isNew: isNew === 1, live, counted, members };
}

/**
 * One of Bottleneck's scripts with Redis' clock in it instead of the caller's, in milliseconds with fractions: servers
 * whose clocks differ would else see each other's slots in the past or the future. Throws where the line is not there.
 */
export function withRedisTime(script: string): string {
  const changed = script.replace(
    'local now = tonumber(ARGV[1])',
    "local time = redis.call('TIME')\nlocal now = time[1] * 1000 + time[2] / 1000",
  );
  if (changed === script) throw new Error('this version of Bottleneck takes its time in a way that is not known here');
  return changed;
}
