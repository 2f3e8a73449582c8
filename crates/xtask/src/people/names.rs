//! French names, places and domains, and how a name is written in a mail address.

/// What stands between the entries of the lists.
pub(super) const BETWEEN: &str = ", ";

pub(super) const FIRST_NAMES: &str = "\
    Adèle, Agnès, Aïcha, Alexandre, Amélie, Anaïs, André, Anne-Laure, Anne-Sophie, Antoine, \
    Arnaud, Aurélie, Aya, Baptiste, Béatrice, Benoît, Bérénice, Bruno, Camille, Cécile, Céline, \
    Chloé, Christophe, Clément, Corinne, Cyril, Damien, David, Delphine, Denis, Désiré, Elif, \
    Élodie, Émilie, Éric, Étienne, Eugénie, Eva, Fabien, Fatima, Florence, François, Françoise, \
    Frédéric, Gaël, Gaëlle, Geneviève, Géraldine, Gérard, Grégory, Guillaume, Hélène, Henri, \
    Hugo, Inès, Irène, Jean, Jean-Baptiste, Jean-François, Jean-Marc, Jean-Pierre, Jérémy, \
    Jérôme, Joël, Joséphine, Julie, Julien, Karim, Kévin, Laëtitia, Laurence, Léa, Léo, Loïc, \
    Louis, Lucas, Ludovic, Maël, Maëlys, Malik, Manon, Marc-Antoine, Margaux, Marie, \
    Marie-Claude, Marie-Hélène, Mathéo, Mathilde, Maxime, Mélanie, Michaël, Mohamed, Monique, \
    Nadège, Nathalie, Nicolas, Noé, Noémie, Océane, Olivier, Pascal, Paul, Philippe, \
    Pierre-Yves, Quentin, Rachid, Raphaël, Régis, Rémi, René, Romain, Sébastien, Ségolène, \
    Sofia, Solène, Sophie, Stéphane, Stéphanie, Sylvie, Théo, Thérèse, Thibault, Thomas, Timéo, \
    Valérie, Véronique, Victor, Vincent, Virginie, Xavier, Yann, Yasmine, Yves, Zoé";

pub(super) const LAST_NAMES: &str = "\
    Abadie, André, Aubert, Barbier, Baudouin, Benali, Béranger, Bernard, Besançon, Blanchard, \
    Boucher, Boulanger, Bourgeois, Brun, Carpentier, Château, Chevalier, Clément, Colin, \
    Cordier, Coulibaly, Crépin, D'Amico, Da Silva, David, De La Tour, Delaunay, Denis, \
    Deschamps, Desprès, Diallo, Dubois, Duchêne, Dufour, Dumas, Dupont, Dupré, Durand, El \
    Amrani, Étienne, Fabre, Faure, Fernández, Fontaine, Fournier, François, Gaillard, Garcia, \
    Garnier, Gauthier, Gérard, Giraud, Guérin, Guillot, Haddad, Henry, Hervé, Hoareau, Huet, \
    Jacquet, Joly, Kaya, Klein, L'Hermite, Lacroix, Lambert, Le Bihan, Le Gall, Le Goff, \
    Leclerc, Leclère, Lefèvre, Lefebvre, Legrand, Lemaître, Leroux, Leroy, Lévêque, Lévy, \
    Maillard, Marchand, Marie, Martin, Martin-Dupuis, Martinez, Masson, Mathieu, Mercier, \
    Meunier, Meyer, Michaud, Moreau, Morel, Moulin, N'Diaye, Nguyen, Noël, Olivier, Payet, \
    Pélissier, Perrin, Petit, Picard, Prévost, Rémy, Renard, Renaud, Rey, Richard, Rivière, \
    Robert, Rodríguez, Rolland, Rousseau, Roussel, Roux, Saint-Martin, Sanchez, Schmitt, Simon, \
    Thévenet, Thomas, Traoré, Vasseur, Vidal, Villeneuve, Vincent, Weber, Yılmaz, Zimmermann";

pub(super) const CITIES: &str = "\
    Aix-en-Provence, Angers, Annecy, Bayonne, Besançon, Béziers, Bordeaux, Boulogne-sur-Mer, \
    Brest, Caen, Chalon-sur-Saône, Clermont-Ferrand, Dijon, Évry, Grenoble, L'Haÿ-les-Roses, La \
    Rochelle, Le Havre, Le Mans, Lille, Limoges, Lyon, Marseille, Metz, Montpellier, Mulhouse, \
    Nancy, Nantes, Nice, Nîmes, Orléans, Paris, Pau, Perpignan, Poitiers, Reims, Rennes, Rouen, \
    Saint-Denis, Saint-Étienne, Saint-Malo, Strasbourg, Toulon, Toulouse, Tours, Valence, \
    Versailles";

pub(super) const COMPANIES: &str = "\
    Agence Lumière, Atelier du Bois, Au Fil de l'Eau, Auto École Bellecour, Boulangerie Morel, \
    Cabinet Lefèvre & Associés, Café de la Gare, Chauffage Durand SARL, Clinique Saint-Joseph, \
    Coiffure Éclat, Électricité Générale Petit, Espace Santé Rivière, Fleurs & Sens, Garage du \
    Château, Groupe Océan, Hôtel des Alpes, Immobilière de l'Ouest, Institut Beauté Zen, \
    L'Épicerie Fine, La Maison Bleue, Les Jardins d'Hélène, Menuiserie Guérin, Ostéo Confluence, \
    Pharmacie Centrale, Plomberie Express, Restaurant Chez Noé, Serrurerie Martin, Taxis Étoile, \
    Toitures du Nord, Vétérinaire des Lilas";

pub(super) const MAIL_DOMAINS: &str = "\
    bbox.fr, free.fr, gmail.com, gmail.com, hotmail.fr, icloud.com, laposte.net, live.fr, \
    neuf.fr, orange.fr, orange.fr, outlook.fr, proton.me, sfr.fr, wanadoo.fr, yahoo.fr";

/// A name as it appears in a mail address: small plain letters, with the hyphens of compound names.
pub(super) fn plain(name: &str) -> String {
    let letters = name.chars().flat_map(char::to_lowercase);
    let plain = letters.filter_map(|letter| match letter {
        'à' | 'á' | 'â' | 'ä' => Some('a'),
        'ç' => Some('c'),
        'è' | 'é' | 'ê' | 'ë' => Some('e'),
        'î' | 'ï' | 'í' | 'ı' => Some('i'),
        'ô' | 'ö' | 'ó' => Some('o'),
        'ù' | 'û' | 'ü' | 'ú' => Some('u'),
        'ÿ' => Some('y'),
        'a'..='z' | '-' => Some(letter),
        _ => None,
    });
    plain.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_accents_and_drops_what_mail_addresses_lack() {
        assert_eq!(plain("Jean-François"), "jean-francois");
        assert_eq!(plain("N'Diaye"), "ndiaye");
        assert_eq!(plain("Yılmaz"), "yilmaz");
    }

    #[test]
    fn folds_every_name_in_the_lists_without_losing_letters() {
        for name in FIRST_NAMES.split(BETWEEN).chain(LAST_NAMES.split(BETWEEN)) {
            let letters = name.chars().filter(|letter| letter.is_alphabetic() || *letter == '-').count();
            assert_eq!(plain(name).chars().count(), letters, "{name}");
        }
    }
}
