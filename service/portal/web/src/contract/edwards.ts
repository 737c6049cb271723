// Points of edwards25519, as far as it takes to tell safe keys from others. WebCrypto leaves that out: it
// takes keys for which signatures pass that nobody made. Only public values come here, so nothing has to
// take the same time for all of them.

const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
/** The order of the points that keys are taken from. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const ROOT_OF_MINUS_ONE = 19681161376707505956807079304988542015446066515923890162744021073123829784752n;

/** x/z, y/z and xy/z. */
type Point = { x: bigint; y: bigint; z: bigint; t: bigint };

const IDENTITY: Point = { x: 0n, y: 1n, z: 1n, t: 0n };

const modulo = (value: bigint): bigint => ((value % P) + P) % P;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let left = exponent, square = modulo(base); left > 0n; left >>= 1n, square = modulo(square * square)) {
    if (left & 1n) result = modulo(result * square);
  }
  return result;
}

function add(a: Point, b: Point): Point {
  const [first, second] = [modulo((a.y - a.x) * (b.y - b.x)), modulo((a.y + a.x) * (b.y + b.x))];
  const [third, fourth] = [modulo(2n * D * a.t * b.t), modulo(2n * a.z * b.z)];
  const [e, f, g, h] = [second - first, fourth - third, fourth + third, second + first];
  return { x: modulo(e * f), y: modulo(g * h), z: modulo(f * g), t: modulo(e * h) };
}

function times(scalar: bigint, point: Point): Point {
  let result = IDENTITY;
  for (let left = scalar, double = point; left > 0n; left >>= 1n, double = add(double, double)) {
    if (left & 1n) result = add(result, double);
  }
  return result;
}

const isIdentity = (point: Point): boolean => modulo(point.x) === 0n && modulo(point.y - point.z) === 0n;

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** A point in its one encoding; `undefined` for every other one and for what is no point. */
function decode(bytes: Uint8Array): Point | undefined {
  if (bytes.length !== 32) return undefined;
  const written = littleEndian(bytes);
  const [y, odd] = [written & (2n ** 255n - 1n), written >> 255n];
  if (y >= P) return undefined;
  const [above, below] = [modulo(y * y - 1n), modulo(D * y * y + 1n)];
  // The square root of above/below, up to a square root of -1.
  let x = modulo(above * below ** 3n * power(above * below ** 7n, (P - 5n) / 8n));
  if (modulo(below * x * x - above) !== 0n) x = modulo(x * ROOT_OF_MINUS_ONE);
  if (modulo(below * x * x - above) !== 0n || (x === 0n && odd === 1n)) return undefined;
  if ((x & 1n) !== odd) x = P - x;
  return { x, y, z: 1n, t: modulo(x * y) };
}

/** A key to rely on: one encoding, the full prime order and nothing else. */
export function isSafeKey(bytes: Uint8Array): boolean {
  const point = decode(bytes);
  return point !== undefined && !isIdentity(point) && isIdentity(times(L, point));
}

/** A signature as strict checks want it: a reduced scalar, and a point that is not of small order. */
export function isStrictSignature(bytes: Uint8Array): boolean {
  const point = decode(bytes.subarray(0, 32));
  const small = point === undefined || isIdentity(times(8n, point));
  return bytes.length === 64 && !small && littleEndian(bytes.subarray(32)) < L;
}
