#include <stdint.h>
#include <string.h>
enum colour { RED, GREEN = 5, BLUE };
union bits { float f; uint32_t u; };
struct point { int x, y; };
struct node { char name[8]; struct point at; struct node *next; enum colour colour; unsigned flag : 3; int neg : 5; union bits bits; double weights[2][3]; };
typedef struct node node_t;
static node_t nodes[3];
int counter = 7;
static int area(struct point p) {
    int w = p.x + 1;
    int h = p.y + 2;
    return w * h;
}
__attribute__((export_name("run"))) int run(int n) {
    node_t *list = 0;
    for (int i = 0; i < n; i++) {
        node_t *one = &nodes[i];
        memset(one, 0, sizeof *one);
        strcpy(one->name, "node");
        one->name[4] = (char)('0' + i);
        one->at.x = i;
        one->at.y = -i;
        one->next = list;
        one->colour = i % 2 ? BLUE : GREEN;
        one->flag = i;
        one->neg = -i;
        one->bits.f = 1.5f * i;
        one->weights[1][2] = i / 2.0;
        list = one;
        counter += i;
    }
    int total = 0;
    long long big = -5000000000LL;
    _Bool yes = n > 1;
    const char *text = "hello";
    while (list) {
        total += area(list->at);
        list = list->next;
    }
    return total + (int)yes + (int)(big % 7) + text[0];
}
