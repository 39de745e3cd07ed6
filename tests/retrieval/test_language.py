"""The language of texts: article 1 of the Universal Declaration of Human Rights, and sentences of everyday use."""

from __future__ import annotations

import pytest

from resift.retrieval.language import code_of, detect, name_of

ARTICLE_1 = {
    "en": "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience "
    "and should act towards one another in a spirit of brotherhood.",
    "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt "
    "und sollen einander im Geist der Brüderlichkeit begegnen.",
    "fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de "
    "conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",
    "es": "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y "
    "conciencia, deben comportarse fraternalmente los unos con los otros.",
    "it": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e di "
    "coscienza e devono agire gli uni verso gli altri in spirito di fratellanza.",
    "pt": "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de razão e de consciência, "
    "devem agir uns para com os outros em espírito de fraternidade.",
    "nl": "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd met verstand en "
    "geweten, en behoren zich jegens elkander in een geest van broederschap te gedragen.",
    "da": "Alle mennesker er født frie og lige i værdighed og rettigheder. De er udstyret med fornuft og samvittighed, "
    "og de bør handle mod hverandre i en broderskabets ånd.",
    "sv": "Alla människor är födda fria och lika i värde och rättigheter. De är utrustade med förnuft och samvete och "
    "bör handla gentemot varandra i en anda av broderskap.",
    "fi": "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan. Heille on annettu järki ja "
    "omatunto, ja heidän on toimittava toisiaan kohtaan veljeyden hengessä.",
    "tr": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler ve birbirlerine "
    "karşı kardeşlik zihniyeti ile hareket etmelidirler. Herkes bu haklar için her zaman eşit şekilde korunur.",
    "pl": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni rozumem i "
    "sumieniem i powinni postępować wobec innych w duchu braterstwa.",
    "cs": "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni rozumem a svědomím a mají "
    "spolu jednat v duchu bratrství. Každý má všechna práva, která jsou v této deklaraci, bez rozdílu.",
    "hu": "Minden emberi lény szabadon születik és egyenlő méltósága és joga van. Az emberek, ésszel és lelkiismerettel "
    "bírván, egymással szemben testvéri szellemben kell hogy viseltessenek.",
    "ro": "Toate ființele umane se nasc libere și egale în demnitate și în drepturi. Ele sunt înzestrate cu rațiune și "
    "conștiință și trebuie să se comporte unele față de altele în spiritul fraternității.",
    "vi": "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền. Mọi con người đều được tạo hoá "
    "ban cho lý trí và lương tâm và cần phải đối xử với nhau trong tình bằng hữu.",
    "id": "Semua orang dilahirkan merdeka dan mempunyai martabat dan hak-hak yang sama. Mereka dikaruniai akal dan hati "
    "nurani dan hendaknya bergaul satu sama lain dalam semangat persaudaraan.",
    "ru": "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и "
    "должны поступать в отношении друг друга в духе братства.",
    "uk": "Всі люди народжуються вільними і рівними у своїй гідності та правах. Вони наділені розумом і совістю і "
    "повинні діяти у відношенні один до одного в дусі братерства.",
    "bg": "Всички хора се раждат свободни и равни по достойнство и права. Те са надарени с разум и съвест и следва да "
    "се отнасят помежду си в дух на братство.",
    "el": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
    "he": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
    "ar": "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق. وقد وهبوا عقلا وضميرا.",
    "fa": "تمام افراد بشر آزاد به دنیا می‌آیند و از لحاظ حیثیت و حقوق با هم برابرند. همه دارای عقل و وجدان هستند و باید با یکدیگر با روح برادری رفتار کنند. هر کس پناهگاهی می‌جوید.",
    "hi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
    "th": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ",
    "zh": "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
    "ja": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
}


@pytest.mark.parametrize("code", ARTICLE_1)
def test_a_sentence_or_two_are_enough(code: str) -> None:
    assert detect([ARTICLE_1[code]]) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("How do I reset the password of my router if I have lost the manual?", "en"),
        ("Wie setze ich das Passwort von meinem Router zurück, wenn ich die Anleitung nicht mehr habe?", "de"),
        ("Comment faire pour réinitialiser le mot de passe de mon routeur si je n'ai plus le manuel ?", "fr"),
        ("¿Cómo puedo restablecer la contraseña de mi router si ya no tengo el manual?", "es"),
        ("Die Lieferung dauert in der Regel zwei bis drei Werktage. Bei Fragen hilft Ihnen unser Team gern.", "de"),
        ("Der Ofen wird auf 180 °C vorgeheizt, dann kommt das Brot für 40 Minuten in den Ofen.", "de"),
        ("Vanaf 1 januari kunnen klanten hun bestelling niet meer in de winkel ophalen.", "nl"),
        ("Для сброса пароля нажмите кнопку и введите адрес электронной почты.", "ru"),
        ("Tokyo（東京）は日本の首都です。人口は約1400万人です。", "ja"),
    ],
)
def test_everyday_sentences_are_recognized(text: str, code: str) -> None:
    assert detect([text]) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soup",
        "lentil soup with cumin",
        "192.168.0.1 2026-11-29 3.14159 42",
        "def main(args):\n    for x in args:\n        if x is not None and x.name == 'a':\n            print(x.name)\n",
        "for (int i = 0; i < n; i++) { if (a[i] > b[i] || c) { return this.value; } }",
        "Müller GmbH & Co. KG, Hamburg",
        "SELECT a.id, b.name FROM a JOIN b ON a.id = b.id WHERE a.x IN (1, 2) AND b.y IS NOT NULL;",
        "Anna Schmidt, José García, Pierre Dupont, Giulia Rossi, Jan de Vries",
        "AAPL MSFT GOOG",
        "🙂🙂 !!! ...",
    ],
)
def test_short_texts_code_numbers_and_names_have_no_language(text: str) -> None:
    assert detect([text]) is None


def test_the_language_of_most_texts_counts_and_a_mixture_has_none() -> None:
    german, english, french = ARTICLE_1["de"], ARTICLE_1["en"], ARTICLE_1["fr"]
    assert detect([german, german, german, english]) == "de"
    assert detect([german, english]) is None
    assert detect([german, english, french]) is None
    assert detect([german, "Soup", "42", "Brot"]) == "de"


def test_short_texts_are_judged_together() -> None:
    titles = ["Die Suppe", "Brot und Salz", "Der Herr der Ringe", "Ein Tag am Meer", "Im Westen nichts Neues"]
    assert all(detect([title]) is None for title in titles[:2])
    assert detect(titles) == "de"


def test_a_quotation_in_another_script_does_not_decide() -> None:
    assert detect(["The word Пожалуйста means please, and it is used in all of the letters that we have."]) == "en"


def test_names_of_languages_and_analyzers_have_codes() -> None:
    assert [code_of(name) for name in ("german", "English", "cjk", "standard")] == ["de", "en", "zh", None]
    assert (name_of("nl"), name_of("pt"), name_of("xx")) == ("Dutch", "Portuguese", "xx")
