// A search tree, a queue and some text: boxes, generic types, traits, slices, characters and wide integers.
use std::collections::VecDeque;

pub trait Shape {
    fn area(&self) -> f32;
    fn scaled(&self, factor: f32) -> f32 {
        let area = self.area();
        area * factor
    }
}

pub struct Square(f32);

pub struct Ring {
    inner: f32,
    outer: f32,
}

impl Shape for Square {
    fn area(&self) -> f32 {
        let side = self.0;
        side * side
    }
}

impl Shape for Ring {
    fn area(&self) -> f32 {
        let hole = self.inner * self.inner;
        let whole = self.outer * self.outer;
        (whole - hole) * 3.0
    }
}

pub struct Node<K, V> {
    key: K,
    value: V,
    depth: u8,
    left: Option<Box<Node<K, V>>>,
    right: Option<Box<Node<K, V>>>,
}

impl<K: PartialOrd + Copy, V: Copy> Node<K, V> {
    fn leaf(key: K, value: V, depth: u8) -> Box<Node<K, V>> {
        Box::new(Node {
            key,
            value,
            depth,
            left: None,
            right: None,
        })
    }

    fn insert(&mut self, key: K, value: V) -> u8 {
        let depth = self.depth + 1;
        let side = if key < self.key {
            &mut self.left
        } else {
            &mut self.right
        };
        match side {
            Some(node) => node.insert(key, value),
            None => {
                *side = Some(Node::leaf(key, value, depth));
                depth
            }
        }
    }

    fn find(&self, key: K) -> Option<V> {
        let mut at = self;
        let mut steps = 0u16;
        loop {
            steps += 1;
            if key == at.key {
                return Some(at.value);
            }
            let next = if key < at.key { &at.left } else { &at.right };
            match next {
                Some(node) => at = node,
                None => return None,
            }
            if steps > 100 {
                return None;
            }
        }
    }
}

fn sum_of(node: &Option<Box<Node<i16, u64>>>) -> u64 {
    match node {
        None => 0,
        Some(inner) => {
            let left = sum_of(&inner.left);
            let right = sum_of(&inner.right);
            left.wrapping_add(right).wrapping_add(inner.value)
        }
    }
}

fn words(text: &str) -> (usize, char, u32) {
    let mut count = 0;
    let mut last = ' ';
    let mut digest = 7u32;
    for letter in text.chars() {
        if letter.is_alphabetic() && !last.is_alphabetic() {
            count += 1;
        }
        digest = digest.wrapping_mul(31).wrapping_add(letter as u32);
        last = letter;
    }
    (count, last, digest)
}

fn rotate(numbers: &mut [i32], by: usize) -> i32 {
    let length = numbers.len();
    let mut moved = vec![0; length];
    for (index, number) in numbers.iter().enumerate() {
        let target = (index + by) % length;
        moved[target] = *number;
    }
    numbers.copy_from_slice(&moved);
    numbers[0]
}

fn wide(seed: u64) -> (u128, i8) {
    let squared = u128::from(seed) * u128::from(seed);
    let shifted = squared << 3;
    let small = (seed % 256) as u8 as i8;
    (shifted, small)
}

#[no_mangle]
pub extern "C" fn run(count: i32) -> i32 {
    let mut root = Node::leaf(50i16, 1u64, 0);
    let mut deepest = 0;
    for step in 0..count {
        let key = ((step * 37) % 100) as i16;
        let depth = root.insert(key, step as u64 * 1_000_000_007);
        deepest = deepest.max(depth);
    }
    let found = root.find(37);
    let missing = root.find(-1).is_none();
    let total = sum_of(&Some(root));
    let (count_of_words, last, digest) = words("Bäume im Wald, 3 grüne");
    let mut numbers = [1, -2, 3, -4, 5];
    let turned = rotate(&mut numbers, 2);
    let shapes: [&dyn Shape; 2] = [&Square(1.5), &Ring { inner: 1.0, outer: 2.0 }];
    let mut area = 0.0;
    for shape in shapes {
        area += shape.scaled(2.0);
    }
    let mut queue: VecDeque<i32> = VecDeque::new();
    queue.extend(numbers.iter().map(|it| it * 2));
    let front = queue.pop_front().unwrap_or(0);
    let (big, small) = wide(total ^ 0xABCD_EF01);
    let parts = [front, turned, area as i32, small as i32, deepest as i32, missing as i32];
    parts.iter().sum::<i32>() + count_of_words as i32 + (digest % 100) as i32 + (big % 97) as i32
        + found.map_or(0, |it| (it % 1000) as i32) + last as i32
}
