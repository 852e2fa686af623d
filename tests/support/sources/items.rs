#[derive(Clone)]
pub enum Shape {
    Empty,
    Circle(f64),
    Rect { w: u32, h: u32 },
}
pub struct Item {
    name: String,
    tag: &'static str,
    shape: Shape,
    next: Option<Box<Item>>,
    marks: [u8; 3],
    pair: (i32, bool),
    letter: char,
}
fn area(shape: &Shape) -> f64 {
    match shape {
        Shape::Empty => 0.0,
        Shape::Circle(r) => 3.0 * r * r,
        Shape::Rect { w, h } => (*w * *h) as f64,
    }
}
static mut COUNT: u64 = 5;
#[no_mangle]
pub extern "C" fn run(n: i32) -> i32 {
    let shapes = [Shape::Empty, Shape::Circle(2.5), Shape::Rect { w: 3, h: 4 }];
    let item = Item {
        name: format!("item{}", n),
        tag: "tag",
        shape: shapes[(n % 3) as usize].clone(),
        next: None,
        marks: [1, 2, 3],
        pair: (-n, n > 1),
        letter: 'é',
    };
    let outer = Item {
        name: String::from("outer"),
        tag: "",
        shape: Shape::Empty,
        next: Some(Box::new(item)),
        marks: [0; 3],
        pair: (0, false),
        letter: 'x',
    };
    let mut total = 0.0;
    let slice = &shapes[1..];
    for shape in slice.iter() {
        total += area(shape);
    }
    unsafe {
        COUNT += 1;
    }
    let numbers: Vec<i32> = (0..n).collect();
    total as i32 + outer.name.len() as i32 + numbers.len() as i32
}
