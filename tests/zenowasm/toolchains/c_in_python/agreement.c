/* One function whose first argument picks what is computed from the other two: compiled twice, compared. */
typedef unsigned int u32; typedef unsigned char u8; typedef unsigned long long u64; typedef long long i64;
struct pair { int a; char b; struct { short c; u64 d; } e; };
static int counter; static int table[5] = {5, -4, 3, 2, 1};
static const char *names[3] = {"zero", "one", "two"};
static struct pair constant = {1, 'x', {-3, 77}};
static int twice(int x) { return 2 * x; }
static int square(int x) { return x * x; }
static int (*functions[2])(int) = {twice, square};
enum color { RED, GREEN = 7, BLUE };
union bits { float f; u32 u; };
static u32 hash(const char *t) { u32 h = 2166136261u; while (*t) { h ^= (u8)*t++; h *= 16777619u; } return h; }
static struct pair make(int a) { struct pair p; p.a = a; p.b = (char)a; p.e.c = (short)(a * 3); p.e.d = (u64)a * 0x123456789ull; return p; }
static int change(struct pair p) { p.a += 100; p.e.c = 9; return p.a + p.e.c; }
static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static int loops(int n) { int t = 0; int i, j; for (i = 0; i < n; i++) { for (j = i; j < n; j++) { if (j % 3 == 0) continue; if (i * j > 40) break; t += i ^ j; if (t > 5000) return t; } if (t == 17) goto out; } t += 1000; out: return t; }
static int sw(int c) { int r = 0; switch (c & 7) { case 0: r = 1; case 1: r += 2; break; case 2: return 9; case 5: { int k; for (k = 0; k < 3; k++) { if (k == 1) break; r += 5; } } break; default: r = -1; } return r; }
static int wh(int n) { int t = 1; do { t = t * 3 + 1; if (t & 1) n--; else n -= 2; } while (n > 0 && t < 1000000); while (n < 0) { n++; if (n == -1) continue; t--; } return t; }
static int shadows(int n) { int a[8]; int i; char s[16]; for (i = 0; i < 8; i++) a[i] = i * n; for (i = 0; i < 15; i++) s[i] = (char)('a' + (n + i) % 26); s[15] = 0; return a[n & 7] + (int)hash(s); }
int f(int which, int x, int y) {
  switch (which) {
  case 0: return x + y; case 1: return x * y - (x << (y & 31)); case 2: return y ? x / (y | 1) : 0; case 3: return x % (y | 1);
  case 4: return x >> (y & 31); case 5: return (int)((u32)x >> (y & 31)); case 6: return (int)((u32)x / ((u32)y | 1)); case 7: return (int)((u32)x % ((u32)y | 1));
  case 8: return (signed char)x + (u8)y; case 9: return (short)(x + y) - (unsigned short)(x - y); case 10: return (int)hash(names[(u32)x % 3]);
  case 11: return functions[x & 1](y); case 12: { struct pair p = make(x); struct pair q = p; q.a = y; return change(q) + p.a + p.b + p.e.c + (int)(p.e.d >> 7); }
  case 13: return fib(x & 15); case 14: return loops(x & 63); case 15: return sw(x); case 16: return wh(x & 15); case 17: return shadows(x & 1023);
  case 18: { i64 a = (i64)x * y; return (int)(a >> 13) ^ (int)a; } case 19: { u64 a = (u64)(u32)x * (u32)y; return (int)(a % 1000003) + (int)(a >> 40); }
  case 20: return (int)((float)x / (float)3.0) + (int)((double)y * 0.7); case 21: { union bits b; b.f = (float)x; return (int)b.u; }
  case 22: return ((u32)x < (u32)y) + 2 * (x < y) + 4 * (x <= y) + 8 * ((u32)x >= (u32)y) + 16 * (x == y) + 32 * (x != y);
  case 23: counter += x; return counter++ + --counter; case 24: return table[(u32)x % 5] * (sizeof(struct pair) == 24 ? 1 : 1000) + (int)sizeof table;
  case 25: return constant.a + constant.b + constant.e.c + (int)constant.e.d + BLUE + GREEN; case 26: return ~x ^ -y; case 27: return !x + (x && y) * 2 + (x || y) * 4 + (x > y ? x : y);
  case 28: { int t[3][2]; int i; for (i = 0; i < 6; i++) t[i / 2][i % 2] = i * x; return t[2][1] - t[(u32)y % 3][0]; }
  case 29: { char *p = "hello" + 1; char c = p[x & 3]; c += (char)y; return c; } case 30: { u8 c = (u8)x; c -= 200; c <<= 1; return c; }
  case 31: { int a = x, b = y, t = 0; while (a != b && t < 50) { if ((u32)a > (u32)b) a -= b; else b -= a; t++; } return a + b + t; }
  case 32: { double d = x; d = d * 1000.0 - y; return (int)(i64)d; } case 33: return (int)(u32)(float)(u8)x + (x < 0 ? -1 : 1);
  case 34: { int i = 0; int *p = &i; int **q = &p; **q = x; *p += y; return i; } case 35: { short s = (short)x; s++; return s * 2 + (s < y); }
  case 36: { int a = x, b = y; int i; for (i = 0; i < 7; i++) { int t = a; a = b; b = t + i; } return a * 31 + b; }
  case 37: { int i = 0, t = 0; do { i++; if (i % 3 == 1) continue; t += i; } while (i < (x & 31)); return t; }
  case 38: { int i, t = 0; for (i = 0; i < 20; i++) { switch (i & 3) { case 1: continue; case 2: t += 3; break; default: t ^= i + x; } t++; } return t; }
  case 39: { const char *p = "abcdefghij"; p += (x & 3); p++; return *p + p[1] - *(p + (y & 3)); }
  case 40: { u8 c = (u8)x; short s = (short)y; u32 u = (u32)y | 1; int i = x; c /= 300; s %= 7; i /= u; c |= 1; return c * 1000 + s + i; }
  case 41: { static int calls = 3; static char buf[6] = "ab"; calls += x & 3; buf[2] = (char)calls; return calls + buf[2] + buf[0] + buf[5]; }
  case 42: { char s[] = "xyz"; int n = sizeof s; s[1] = (char)y; return s[1] + n + s[3]; }
  case 43: { struct pair ps[3]; int i; for (i = 0; i < 3; i++) ps[i] = make(x + i); ps[1] = ps[2]; return ps[1].a - ps[0].a + (int)(ps[1].e.d >> 3); }
  case 44: { int i = x & 7; again: if (i > 0) { i -= 2; goto again; } return i; }
  case 45: { enum color k = (x & 1) ? RED : BLUE; double d = GREEN; d = d + k; return (int)d + (k == BLUE); }
  case 46: { int a = (x, y); a = a ? (a > 3 ? 1 : 2) : 3; return a; } case 47: { i64 a = x; a <<= 33; a >>= (y & 15); return (int)(a >> 20); }
  case 48: { u64 u = 1; int s = y & 63; u <<= s; return (int)(u >> 20) ^ (int)u; } case 49: { struct pair *p = &constant; p->a++; return p->a + p->e.c + (p == 0 ? 1 : 2); }
  case 50: { signed char c = (signed char)x; c >>= 1; c += 100; return c; } case 51: { float f = (float)x; f *= 0.5; f += y; x += 1.5; return (int)f / 7 + x; }
  case 52: { int t = 0, i; for (i = 0; ; i++) { if (i > 9) break; { int j = 0; while (1) { if (++j > i) break; if ((j ^ x) & 1) continue; t += j; } } } return t; }
  default: return -1; } }
