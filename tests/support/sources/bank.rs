// Accounts, transfers and their errors: enumerations with fields, options, results, references, tuples and closures.
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Currency {
    Euro,
    Yen = 5,
}

#[derive(Clone, Debug)]
pub enum Event {
    Opened,
    Paid(u32, i64),
    Failed { reason: u8, amount: i64 },
}

#[derive(Debug)]
pub enum Refusal {
    Unknown(u32),
    TooLittle { has: i64, needs: i64 },
}

#[derive(Clone, Debug)]
pub struct Account {
    number: u32,
    owner: &'static str,
    balance: i64,
    currency: Currency,
    limits: [u16; 3],
    rate: f64,
    parent: Option<u32>,
    events: Vec<Event>,
}

pub struct Bank {
    accounts: BTreeMap<u32, Account>,
    next: u32,
    fees: (i64, f32),
}

impl Account {
    fn new(number: u32, owner: &'static str, currency: Currency) -> Account {
        let mut limits = [100u16, 200, 300];
        limits[(number % 3) as usize] += number as u16;
        let parent = if number > 1 { Some(number - 1) } else { None };
        Account {
            number,
            owner,
            balance: 1_000 * i64::from(number),
            currency,
            limits,
            rate: 0.5 + f64::from(number) / 8.0,
            parent,
            events: vec![Event::Opened],
        }
    }

    fn interest(&self, months: u8) -> i64 {
        let mut sum = self.balance as f64;
        for month in 0..months {
            let part = sum * self.rate / 100.0;
            sum += part;
            if month == 7 {
                break;
            }
        }
        let gained = sum as i64 - self.balance;
        gained
    }

    fn withdraw(&mut self, amount: i64) -> Result<i64, Refusal> {
        let limit = i64::from(self.limits[0]) * 10;
        let needs = amount.max(1);
        if needs > self.balance || needs > limit {
            let failed = Event::Failed {
                reason: (needs > limit) as u8,
                amount,
            };
            self.events.push(failed);
            return Err(Refusal::TooLittle {
                has: self.balance.min(limit),
                needs,
            });
        }
        self.balance -= needs;
        Ok(self.balance)
    }
}

impl Bank {
    fn open(&mut self, owner: &'static str, currency: Currency) -> u32 {
        let number = self.next;
        self.next += 1;
        let account = Account::new(number, owner, currency);
        self.accounts.insert(number, account);
        number
    }

    fn transfer(&mut self, from: u32, to: u32, amount: i64) -> Result<(i64, i64), Refusal> {
        let fee = self.fees.0 + (amount as f32 * self.fees.1) as i64;
        if !self.accounts.contains_key(&to) {
            return Err(Refusal::Unknown(to));
        }
        let left = match self.accounts.get_mut(&from) {
            None => return Err(Refusal::Unknown(from)),
            Some(account) => {
                let left = account.withdraw(amount + fee)?;
                account.events.push(Event::Paid(to, amount));
                left
            }
        };
        let target = self.accounts.get_mut(&to).unwrap();
        target.balance += match target.currency {
            Currency::Euro => amount,
            Currency::Yen => amount * 160,
        };
        Ok((left, target.balance))
    }
}

fn describe(refusal: &Refusal) -> i64 {
    match refusal {
        Refusal::Unknown(number) => -i64::from(*number),
        Refusal::TooLittle { has, needs } => {
            let missing = needs - has;
            missing
        }
    }
}

fn weigh(events: &[Event], weight: &dyn Fn(i64) -> i64) -> i64 {
    let mut sum = 0;
    for event in events {
        sum += match event {
            Event::Opened => 1,
            Event::Paid(to, amount) => weight(*amount) + i64::from(*to),
            Event::Failed { reason, amount } => i64::from(*reason) - weight(*amount),
        };
    }
    sum
}

#[no_mangle]
pub extern "C" fn run(count: i32) -> i32 {
    let mut bank = Bank {
        accounts: BTreeMap::new(),
        next: 1,
        fees: (2, 0.25),
    };
    let owners = ["ada", "bob", "cyd"];
    for (place, owner) in owners.iter().enumerate() {
        let currency = if place == 1 { Currency::Yen } else { Currency::Euro };
        bank.open(owner, currency);
    }
    let mut total: i64 = 0;
    for step in 0..count {
        let amount = i64::from(step) * 150 + 50;
        let (from, to) = (1 + step as u32 % 3, 1 + (step as u32 + 1) % 4);
        total += match bank.transfer(from, to, amount) {
            Ok((left, reached)) => left - reached,
            Err(refusal) => describe(&refusal),
        };
    }
    let factor = 3;
    let weight = |amount: i64| amount / factor;
    for account in bank.accounts.values() {
        total += weigh(&account.events, &weight) + account.interest(9);
        total += account.parent.map_or(0, i64::from);
    }
    (total % 100_000) as i32
}
