//! The dispatcher as production starts it, between a real broker, a real database and a stand-in for the platform.

#[cfg(test)]
mod affairs;
#[cfg(test)]
mod arriving;
#[cfg(test)]
mod backend;
#[cfg(test)]
mod breaking;
#[cfg(test)]
mod calling;
#[cfg(test)]
mod calling_the_app;
#[cfg(test)]
mod clocks;
#[cfg(test)]
mod correcting;
#[cfg(test)]
mod crm;
#[cfg(test)]
mod deciding;
#[cfg(test)]
mod deleting;
#[cfg(test)]
mod delivering;
#[cfg(test)]
mod desks;
#[cfg(test)]
mod directing;
#[cfg(test)]
mod dying;
#[cfg(test)]
mod erasing;
#[cfg(test)]
mod failing;
#[cfg(test)]
mod filling;
#[cfg(test)]
mod flooding;
#[cfg(test)]
mod forgetting;
#[cfg(test)]
mod hearing;
#[cfg(test)]
mod logging;
#[cfg(test)]
mod looping;
#[cfg(test)]
mod making_again;
#[cfg(test)]
mod mapping;
#[cfg(test)]
mod n8n;
#[cfg(test)]
mod numbering;
#[cfg(test)]
mod outbound;
#[cfg(test)]
mod overtaking;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod reconnecting;
#[cfg(test)]
mod recovering;
#[cfg(test)]
mod running;
#[cfg(test)]
mod scheduling;
#[cfg(test)]
mod settling;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod shops;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod state;
#[cfg(test)]
mod telling;
#[cfg(test)]
mod tying;
#[cfg(test)]
mod unknown;
#[cfg(test)]
mod vanishing;
#[cfg(test)]
mod workflows;
#[cfg(test)]
mod world;
