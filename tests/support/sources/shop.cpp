namespace shop {
enum class Kind : unsigned char { Small, Large = 7 };
struct Base {
    int id;
    int cost() const { return id; }
};
struct Item : Base {
    Kind kind;
    bool sold = false;
    long long price = -5;
    int cost() const { return id * 2; }
};
template <typename T> struct Pair {
    T first;
    T second;
};
static int total = 3;
}
static int sum(shop::Item &item, const shop::Base *base, int (&numbers)[3]) {
    int result = shop::total;
    for (int number : numbers) {
        result += number;
    }
    shop::Pair<double> pair{1.5, 2.5};
    auto twice = [&result](int by) { return result * by; };
    return result + item.cost() + base->cost() + (int)pair.first + twice(2);
}
extern "C" __attribute__((export_name("run"))) int run(int n) {
    int numbers[3] = {n, n * n, -n};
    shop::Item item;
    item.id = n;
    item.kind = shop::Kind::Large;
    return sum(item, &item, numbers);
}
