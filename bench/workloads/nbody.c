/* Moves five bodies by their gravity for n steps: arithmetic on f64 with divisions and square roots. run(n) returns the
 * bits of the energy, so that the last bit of every operation counts. */

#include "workload.h"

#define BODIES 5
#define STEP 0.01

struct body {
    double x, y, z, vx, vy, vz, mass;
};

static struct body bodies[BODIES];

static void place(void)
{
    for (u32 index = 0; index < BODIES; index++) {
        double far = 1.5 * index * index;
        bodies[index] = (struct body){far, 0.25 * index, -0.125 * index, 0, 0, 0, index ? 0.001 * index : 40.0};
        if (index) {
            bodies[index].vy = __builtin_sqrt(bodies[0].mass / far);
            bodies[index].vz = 0.03 * index;
        }
    }
}

static void move(void)
{
    for (u32 first = 0; first < BODIES; first++)
        for (u32 second = first + 1; second < BODIES; second++) {
            struct body *one = &bodies[first], *other = &bodies[second];
            double dx = one->x - other->x, dy = one->y - other->y, dz = one->z - other->z;
            double square = dx * dx + dy * dy + dz * dz;
            double pull = STEP / (square * __builtin_sqrt(square));
            one->vx -= dx * other->mass * pull;
            one->vy -= dy * other->mass * pull;
            one->vz -= dz * other->mass * pull;
            other->vx += dx * one->mass * pull;
            other->vy += dy * one->mass * pull;
            other->vz += dz * one->mass * pull;
        }
    for (u32 index = 0; index < BODIES; index++) {
        bodies[index].x += STEP * bodies[index].vx;
        bodies[index].y += STEP * bodies[index].vy;
        bodies[index].z += STEP * bodies[index].vz;
    }
}

static double energy(void)
{
    double sum = 0;
    for (u32 first = 0; first < BODIES; first++) {
        struct body *one = &bodies[first];
        sum += 0.5 * one->mass * (one->vx * one->vx + one->vy * one->vy + one->vz * one->vz);
        for (u32 second = first + 1; second < BODIES; second++) {
            struct body *other = &bodies[second];
            double dx = one->x - other->x, dy = one->y - other->y, dz = one->z - other->z;
            sum -= one->mass * other->mass / __builtin_sqrt(dx * dx + dy * dy + dz * dz);
        }
    }
    return sum;
}

EXPORT(run) u64 run(u32 steps)
{
    place();
    while (steps--)
        move();
    union {
        double number;
        u64 bits;
    } result = {energy()};
    return result.bits;
}
