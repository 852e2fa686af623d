static int divide(int a, int b) {
    return a / b;
}
__attribute__((export_name("run"))) int run(int n) {
    int one = divide(10, n);
    return one + divide(4, n - 1);
}
