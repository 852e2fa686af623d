__attribute__((export_name("run"))) int run(int n) {
    int x = n;
    {
        int x = n + 1;
        n = x * 2;
    }
    return n + x;
}
